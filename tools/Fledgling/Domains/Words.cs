// Words that several domains share: people, things, numbers of them, and the small grammar they need.
namespace Aerie.Fledgling.Domains;

internal readonly record struct Person(string Name, bool Female)
{
    public string Subject => Female ? "she" : "he";
    public string Object => Female ? "her" : "him";
    public string Possessive => Female ? "her" : "his";
}

/// <summary>A thing that can be counted, and what it is kept in.</summary>
internal readonly record struct Thing(string Many, string Box, string Boxes, bool Edible);

internal static class Words
{
    public static readonly Person[] People =
    [
        .. "Anna Bella Clara Dora Emma Freya Greta Hana Ines Julia Kira Lena Mara Nina Olga Paula Rosa Sara Tina Vera Wanda Zoe Maya Ella"
            .Split(' ').Select(name => new Person(name, true)),
        .. "Adam Ben Carl David Erik Felix Georg Hugo Ivan Jonas Karim Leo Mark Noah Oscar Peter Ravi Simon Tom Victor Will Yusuf Liam Omar"
            .Split(' ').Select(name => new Person(name, false)),
    ];

    public static readonly Thing[] Things =
    [
        new("apples", "basket", "baskets", true), new("plums", "bowl", "bowls", true), new("cookies", "jar", "jars", true),
        new("eggs", "carton", "cartons", true), new("cherries", "bowl", "bowls", true), new("pancakes", "plate", "plates", true),
        new("carrots", "sack", "sacks", true), new("nuts", "bag", "bags", true), new("lemons", "crate", "crates", true),
        new("muffins", "tray", "trays", true), new("books", "shelf", "shelves", false), new("coins", "purse", "purses", false),
        new("pencils", "box", "boxes", false), new("marbles", "bag", "bags", false), new("stamps", "album", "albums", false),
        new("buttons", "tin", "tins", false), new("shells", "bucket", "buckets", false), new("cards", "pack", "packs", false),
        new("candles", "box", "boxes", false), new("stones", "pile", "piles", false), new("flowers", "vase", "vases", false),
        new("tickets", "booklet", "booklets", false), new("stickers", "sheet", "sheets", false), new("keys", "ring", "rings", false),
    ];

    public static readonly string[] Cities =
        ["Oslo", "Lisbon", "Vienna", "Prague", "Dublin", "Athens", "Cairo", "Lima", "Quito", "Kyoto", "Hanoi", "Delhi", "Accra", "Nairobi", "Toronto",
         "Boston", "Havana", "Sydney", "Geneva", "Porto", "Riga", "Turin", "Ghent", "Malmo"];

    public static readonly string[] Days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

    public static string A(string noun) =>
        noun != "euro" && ("aeiou".Contains(noun[0], StringComparison.Ordinal) || noun == "hour") ? "an " + noun : "a " + noun;

    public static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];

    /// <summary>a; a and b; a, b and c.</summary>
    public static string List(IReadOnlyList<string> items) =>
        items.Count == 1 ? items[0] : string.Join(", ", items.Take(items.Count - 1)) + " and " + items[^1];
}
