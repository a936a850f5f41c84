// Rewriting by rule: past, future, negative, question, passive of two-clause sentences; requests made polite or short.
// The way of asking decides how the answer opens.
namespace Aerie.Fledgling.Domains;

internal sealed class Rewriting : IDomain
{
    readonly record struct Verb(string Base, string Third, string Past, string Participle, string[] Objects);

    static readonly Verb[] Verbs =
    [
        new("wash", "washes", "washed", "washed", ["the car", "the dog", "the windows", "the old coat"]),
        new("bake", "bakes", "baked", "baked", ["a cake", "the bread", "an apple pie", "some cookies"]),
        new("write", "writes", "wrote", "written", ["a letter", "the report", "a poem", "a long story"]),
        new("read", "reads", "read", "read", ["the newspaper", "a book", "the map", "the menu"]),
        new("paint", "paints", "painted", "painted", ["the fence", "a picture", "the kitchen door", "the boat"]),
        new("buy", "buys", "bought", "bought", ["a ticket", "the bread", "a new lamp", "two chairs"]),
        new("sell", "sells", "sold", "sold", ["the boat", "an old clock", "a guitar", "the house"]),
        new("find", "finds", "found", "found", ["a coin", "the keys", "the lost cat", "a shell"]),
        new("build", "builds", "built", "built", ["a shelf", "a small house", "the wall", "a boat"]),
        new("draw", "draws", "drew", "drawn", ["a map", "a horse", "the plan", "a picture"]),
        new("sing", "sings", "sang", "sung", ["a song", "the first part", "an old tune", "a ballad"]),
        new("break", "breaks", "broke", "broken", ["the vase", "a plate", "the window", "a cup"]),
        new("carry", "carries", "carried", "carried", ["the bags", "a heavy box", "the table", "some wood"]),
        new("clean", "cleans", "cleaned", "cleaned", ["the floor", "the kitchen", "the tools", "the stairs"]),
        new("open", "opens", "opened", "opened", ["the gate", "a parcel", "the shop", "the window"]),
        new("take", "takes", "took", "taken", ["a photo", "the keys", "the last cookie", "the umbrella"]),
        new("teach", "teaches", "taught", "taught", ["the class", "a new dance", "the rules", "the song"]),
        new("bring", "brings", "brought", "brought", ["the tools", "some flowers", "the soup", "a present"]),
        new("choose", "chooses", "chose", "chosen", ["a film", "the colour", "a name", "the music"]),
        new("repair", "repairs", "repaired", "repaired", ["the roof", "a bicycle", "the radio", "the old clock"]),
    ];
    static readonly string[] Roles = ["the teacher", "the farmer", "the doctor", "my sister", "my uncle", "the pilot", "our neighbour", "the singer", "the baker", "the new boss"];
    static readonly string[] Places = ["in the garden", "at school", "in the kitchen", "at the market", "near the river", "in the park", "at home", "behind the house"];
    static readonly string[] Links = [" and", ", while", ", but"];
    static readonly string[] Favours =
        ["send me the report", "open the window", "water the plants", "bring me the keys", "call the doctor", "clean the kitchen", "feed the cat", "check the numbers",
         "print the tickets", "move the car", "sign the letter", "book a table", "return the books", "order the paint", "close the shop", "charge the camera"];
    static readonly string[] Deadlines = ["today", "by Monday", "before noon", "this evening", "by Friday", "after lunch", "before the meeting", "right now", "tomorrow", "on Sunday"];
    static readonly string[] Reasons = ["I am in a hurry", "the guests are coming", "I have no time", "it is important", "the boss wants it", "I forgot it", "we are late", "I am not at home"];

    enum Form { Past, Future, Negative, Question, Passive }

    static readonly string[] FormNames = ["in the past tense", "in the future tense", "in the negative", "as a question", "in the passive voice"];

    public string Name => "rewriting";

    public (string Prompt, string Answer) Make(Draw draw) => draw.Below(4) == 0 ? Request(draw) : Sentence(draw);

    static (string, string) Sentence(Draw draw)
    {
        Form form = (Form)draw.Below(5);
        (Verb first, Verb second) = draw.Pair<Verb>(Verbs);
        (Person a, Person b) = draw.Pair<Person>(Words.People);
        string subject = draw.Coin() ? a.Name : draw.Pick<string>(Roles), other = draw.Coin() ? b.Name : draw.Pick<string>(Roles);
        string what = draw.Pick<string>(first.Objects), thing = draw.Pick<string>(second.Objects), link = draw.Pick<string>(Links);
        (string here, string there) = draw.Pair<string>(Places);
        if (subject == other)
            other = b.Name;
        string plain = Words.Capital($"{subject} {first.Third} {what} {here}{link} {other} {second.Third} {thing} {there}.");
        string changed = form == Form.Question
            ? $"Does {subject} {first.Base} {what} {here}? Does {other} {second.Base} {thing} {there}?"
            : Words.Capital($"{Clause(form, subject, first, what)} {here}{link} {Clause(form, other, second, thing)} {there}.");
        string name = FormNames[(int)form];
        return draw.Below(3) switch
        {
            0 => ($"Rewrite {name}: {plain}", $"{Words.Capital(name)} it reads: {changed} The verbs are now: {Spelled(form, first)}, {Spelled(form, second)}."),
            1 => ($"{plain} How do I say that {name}?", $"You can say it {name} like this: {changed}"),
            _ => ($"Please put this {name}: {plain}", $"Of course. Here it is {name}: {changed}"),
        };
    }

    static string Spelled(Form form, Verb verb) => form switch
    {
        Form.Past => verb.Past,
        Form.Future => "will " + verb.Base,
        Form.Negative => "does not " + verb.Base,
        Form.Question => "does " + verb.Base,
        _ => verb.Participle,
    };

    static string Clause(Form form, string subject, Verb verb, string thing) => form switch
    {
        Form.Past => $"{subject} {verb.Past} {thing}",
        Form.Future => $"{subject} will {verb.Base} {thing}",
        Form.Negative => $"{subject} does not {verb.Base} {thing}",
        _ => $"{thing} {(Plural(thing) ? "are" : "is")} {verb.Participle} by {subject}",
    };

    // "some wood" is one thing; every other word in -s that is not in -ss counts as several.
    static bool Plural(string thing) => thing.EndsWith('s') && !thing.EndsWith("ss", StringComparison.Ordinal);

    static (string, string) Request(Draw draw)
    {
        string who = draw.Pick<Person>(Words.People).Name, favour = draw.Pick<string>(Favours), when = draw.Pick<string>(Deadlines), why = draw.Pick<string>(Reasons);
        string blunt = $"{who}, {favour} {when}, {why}.";
        string polite = $"Dear {who}, could you please {favour} {when}? I am asking because {why}. Thank you very much.";
        return draw.Below(3) switch
        {
            0 => ($"Make this polite: {blunt}", polite),
            1 => ($"Write this as a formal letter: {blunt}", $"Dear {who},\nI would be grateful if you could {favour} {when}, because {why}.\nWith kind regards"),
            _ => ($"Make this short: {polite}", $"Here is a short version: {blunt}"),
        };
    }
}
