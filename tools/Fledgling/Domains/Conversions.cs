// Unit conversions with small numbers. The wording of the answer follows the wording of the question;
// a question about an object is answered with the object.
namespace Aerie.Fledgling.Domains;

internal sealed class Conversions : IDomain
{
    /// <summary>One big unit is <c>Factor</c> small ones; Kind chooses the objects of the story; Most is the largest count asked.</summary>
    readonly record struct Unit(string Big, string Bigs, string Smalls, int Factor, int Most, string Kind);

    static readonly Unit[] Units =
    [
        new("kilometre", "kilometres", "metres", 1000, 60, "way"), new("metre", "metres", "centimetres", 100, 60, "length"),
        new("centimetre", "centimetres", "millimetres", 10, 60, "length"), new("foot", "feet", "inches", 12, 12, "length"),
        new("yard", "yards", "feet", 3, 20, "length"), new("hour", "hours", "minutes", 60, 12, "time"), new("minute", "minutes", "seconds", 60, 12, "time"),
        new("day", "days", "hours", 24, 8, "stay"), new("week", "weeks", "days", 7, 12, "stay"), new("year", "years", "months", 12, 12, "stay"),
        new("kilogram", "kilograms", "grams", 1000, 60, "weight"), new("ton", "tons", "kilograms", 1000, 40, "weight"),
        new("pound", "pounds", "ounces", 16, 9, "weight"), new("litre", "litres", "millilitres", 1000, 40, "volume"),
        new("gallon", "gallons", "quarts", 4, 20, "volume"), new("euro", "euros", "cents", 100, 90, "price"), new("dollar", "dollars", "cents", 100, 90, "price"),
    ];

    // object, verb phrase before the quantity, words after it
    static readonly Dictionary<string, (string[] Objects, string Is, string After)> Stories = new()
    {
        ["way"] = (["road to the lake", "trail in the forest", "bus line", "river walk", "race course", "tunnel", "coast path", "railway"], "is", " long"),
        ["length"] = (["rope", "garden fence", "red ribbon", "table", "wooden shelf", "curtain", "pipe", "ladder", "carpet", "snake"], "is", " long"),
        ["time"] = (["film", "lesson", "song contest", "meeting", "train ride", "football game", "speech", "concert", "test", "nap"], "lasts", ""),
        ["stay"] = (["holiday", "course", "sea voyage", "exhibition", "building project", "training camp", "winter break", "expedition"], "takes", ""),
        ["weight"] = (["sack of rice", "suitcase", "pumpkin", "parcel", "dog", "stone", "machine", "box of books", "bag of flour", "statue"], "weighs", ""),
        ["volume"] = (["bucket", "water tank", "pot of soup", "barrel", "fish bowl", "bottle", "kettle", "watering can"], "holds", ""),
        ["price"] = (["lamp", "jacket", "train ticket", "chess set", "cake", "teapot", "garden chair", "puzzle", "umbrella", "clock"], "costs", ""),
    };

    public string Name => "conversions";

    public (string Prompt, string Answer) Make(Draw draw)
    {
        Unit unit = draw.Pick<Unit>(Units);
        int count = draw.Between(2, unit.Most), result = count * unit.Factor;
        (string[] objects, string verb, string after) = Stories[unit.Kind];
        string thing = draw.Pick<string>(objects), who = draw.Pick<Person>(Words.People).Name;
        string fact = $"{Words.A(unit.Big)} has {unit.Factor} {unit.Smalls}";
        string down = $"{count} x {unit.Factor} = {result}", up = $"{result} / {unit.Factor} = {count}";
        return draw.Below(6) switch
        {
            0 => ($"How many {unit.Smalls} are there in {count} {unit.Bigs}?",
                $"{Words.Capital(fact)}, so we multiply: {down}. There are {result} {unit.Smalls} in {count} {unit.Bigs}."),
            1 => ($"Convert {count} {unit.Bigs} to {unit.Smalls}.",
                $"To go from {unit.Bigs} to {unit.Smalls}, multiply by {unit.Factor}: {down}. So {count} {unit.Bigs} = {result} {unit.Smalls}."),
            2 => ($"Convert {result} {unit.Smalls} to {unit.Bigs}.",
                $"To go from {unit.Smalls} to {unit.Bigs}, divide by {unit.Factor}: {up}. So {result} {unit.Smalls} = {count} {unit.Bigs}."),
            3 => ($"The {thing} {verb} {count} {unit.Bigs}{after}. What is that in {unit.Smalls}?",
                $"Since {fact}, we multiply: {down}. The {thing} {verb} {result} {unit.Smalls}{after}."),
            4 => ($"{who} says that the {thing} {verb} {result} {unit.Smalls}{after}. What is that in {unit.Bigs}?",
                $"Since {fact}, we divide: {up}. Tell {who} that the {thing} {verb} {count} {unit.Bigs}{after}."),
            _ => ($"{who} asks: if the {thing} {verb} {count} {unit.Bigs}{after}, how many {unit.Smalls} is that?",
                $"Hello {who}! {Words.Capital(fact)}. {Words.Capital(unit.Bigs)} become {unit.Smalls} when you multiply by {unit.Factor}, and {down}, so the answer is {result} {unit.Smalls}."),
        };
    }
}
