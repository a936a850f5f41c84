// Sums told as stories. Small numbers; the answer writes every step out. "Step by step" asks for numbered steps,
// "in one line" for the bare sum and its result, otherwise the answer is told in sentences.
namespace Aerie.Fledgling.Domains;

internal sealed class Sums : IDomain
{
    static readonly string[] Gains = ["finds", "buys", "gets", "collects"];
    static readonly string[] Losses = ["loses", "sells", "gives away", "drops"];

    public string Name => "sums";

    public (string Prompt, string Answer) Make(Draw draw)
    {
        (Person who, Person friend) = draw.Pair<Person>(Words.People);
        Thing thing = draw.Pick<Thing>(Words.Things);
        int style = draw.Below(3); // 0 sentences, 1 numbered steps, 2 one line
        (string story, string answer) = draw.Below(6) switch
        {
            0 => Add(draw, who, friend, thing, style),
            1 => Subtract(draw, who, thing, style),
            2 => Groups(draw, who, thing, style),
            3 => Share(draw, who, thing, style),
            4 => InAndOut(draw, who, thing, style),
            _ => Together(draw, who, friend, thing, style),
        };
        return (story + (style switch { 0 => "", 1 => " Solve it step by step.", _ => " Give the sum in one line." }), answer);
    }

    static (string, string) Add(Draw draw, Person who, Person friend, Thing thing, int style)
    {
        int a = draw.Between(3, 30), b = draw.Between(2, 20), sum = a + b;
        string gives = thing.Edible ? "brings" : "gives";
        return ($"{who.Name} has {a} {thing.Many}. {friend.Name} {gives} {who.Object} {b} more. How many {thing.Many} does {who.Name} have now?", style switch
        {
            0 => $"{who.Name} starts with {a} {thing.Many} and {friend.Name} {gives} {b} more, so we add: {a} + {b} = {sum}. {who.Name} now has {sum} {thing.Many}.",
            1 => $"1. At the start there are {a} {thing.Many}.\n2. {friend.Name} {gives} {b} more: {a} + {b} = {sum}.\nAnswer: {sum} {thing.Many}.",
            _ => $"The sum is {a} + {b} = {sum}, so {who.Name} has {sum} {thing.Many} now.",
        });
    }

    static (string, string) Subtract(Draw draw, Person who, Thing thing, int style)
    {
        int a = draw.Between(8, 40), b = draw.Between(2, Math.Min(a - 2, 20)), rest = a - b;
        string loses = thing.Edible && draw.Coin() ? "eats" : draw.Pick<string>(Losses);
        return ($"{who.Name} has {a} {thing.Many} and {loses} {b} of them. How many {thing.Many} are left?", style switch
        {
            0 => $"{who.Name} had {a} {thing.Many} and {loses} {b}, so we subtract: {a} - {b} = {rest}. There are {rest} {thing.Many} left.",
            1 => $"1. At the start there are {a} {thing.Many}.\n2. {who.Name} {loses} {b}: {a} - {b} = {rest}.\nAnswer: {rest} {thing.Many}.",
            _ => $"The sum is {a} - {b} = {rest}, so {who.Name} has {rest} {thing.Many} left.",
        });
    }

    static (string, string) Groups(Draw draw, Person who, Thing thing, int style)
    {
        int a = draw.Between(2, 9), b = draw.Between(2, 9), all = a * b;
        return ($"{who.Name} fills {a} {thing.Boxes} with {b} {thing.Many} each. How many {thing.Many} is that in all?", style switch
        {
            0 => $"Each {thing.Box} holds {b} {thing.Many} and there are {a} {thing.Boxes}, so we multiply: {a} x {b} = {all}. That is {all} {thing.Many} in all.",
            1 => $"1. One {thing.Box} holds {b} {thing.Many}.\n2. There are {a} {thing.Boxes}: {a} x {b} = {all}.\nAnswer: {all} {thing.Many}.",
            _ => $"The sum is {a} x {b} = {all}, so {who.Name} needs {all} {thing.Many} in all.",
        });
    }

    static (string, string) Share(Draw draw, Person who, Thing thing, int style)
    {
        int friends = draw.Between(2, 9), each = draw.Between(2, 9), all = friends * each;
        return ($"{who.Name} shares {all} {thing.Many} equally among {friends} friends. How many {thing.Many} does each friend get?", style switch
        {
            0 => $"There are {all} {thing.Many} for {friends} friends, so we divide: {all} / {friends} = {each}. Each friend gets {each} {thing.Many}.",
            1 => $"1. There are {all} {thing.Many} to share.\n2. {who.Name} has {friends} friends: {all} / {friends} = {each}.\nAnswer: {each} {thing.Many} each.",
            _ => $"The sum is {all} / {friends} = {each}, so {who.Name} gives {each} {thing.Many} to each friend.",
        });
    }

    static (string, string) InAndOut(Draw draw, Person who, Thing thing, int style)
    {
        int a = draw.Between(3, 20), b = draw.Between(2, 15), sum = a + b, c = draw.Between(2, Math.Min(sum - 2, 12)), rest = sum - c;
        string gain = draw.Pick<string>(Gains), loss = draw.Pick<string>(Losses);
        return ($"{who.Name} has {a} {thing.Many}, {gain} {b} more and then {loss} {c}. How many {thing.Many} does {who.Subject} have in the end?", style switch
        {
            0 => $"First {who.Name} {gain} {b}, which makes {a} + {b} = {sum}. Then {who.Subject} {loss} {c}, which leaves {sum} - {c} = {rest}. In the end {who.Subject} has {rest} {thing.Many}.",
            1 => $"1. {who.Name} {gain} {b}: {a} + {b} = {sum}.\n2. {Words.Capital(who.Subject)} {loss} {c}: {sum} - {c} = {rest}.\nAnswer: {rest} {thing.Many}.",
            _ => $"The sum is {a} + {b} - {c} = {sum} - {c} = {rest}, so {who.Name} has {rest} {thing.Many} in the end.",
        });
    }

    static (string, string) Together(Draw draw, Person who, Person friend, Thing thing, int style)
    {
        int a = draw.Between(3, 20), more = draw.Between(2, 9), b = a + more, sum = a + b;
        return ($"{who.Name} has {a} {thing.Many} and {friend.Name} has {more} more than {who.Name}. How many {thing.Many} do they have together?", style switch
        {
            0 => $"{friend.Name} has {a} + {more} = {b} {thing.Many}. Together with the {a} of {who.Name} that is {b} + {a} = {sum}. They have {sum} {thing.Many} together.",
            1 => $"1. {friend.Name} has {a} + {more} = {b} {thing.Many}.\n2. Together they have {b} + {a} = {sum}.\nAnswer: {sum} {thing.Many}.",
            _ => $"The sum is {a} + {b} = {sum}, so {who.Name} and {friend.Name} have {sum} {thing.Many} together.",
        });
    }
}
