// JSON extraction: a sentence with four or five fields; the request names some of them in its own order; the answer copies them.
// "Indented" asks for one field per line, otherwise the object is on one line. Numbers stay numbers.
using System.Globalization;

namespace Aerie.Fledgling.Domains;

internal sealed class Extraction : IDomain
{
    public static readonly string[] Surnames =
        ["Berg", "Lind", "Moreau", "Novak", "Rossi", "Silva", "Tanaka", "Weber", "Young", "Fischer", "Garcia", "Kaya", "Larsen", "Mensah", "Okafor", "Petrov"];
    public static readonly string[] Jobs =
        ["baker", "nurse", "teacher", "pilot", "gardener", "painter", "doctor", "farmer", "driver", "singer", "cook", "lawyer", "plumber", "writer", "judge", "tailor"];
    static readonly string[] Colours = ["red", "blue", "green", "black", "white", "yellow", "brown", "grey"];
    static readonly string[] Goods = ["lamp", "chair", "bicycle", "jacket", "teapot", "radio", "clock", "backpack", "blanket", "guitar", "camera", "mirror"];
    static readonly string[] Events = ["book club", "chess evening", "choir practice", "town meeting", "yoga class", "film night", "dance course", "flea market"];
    static readonly string[] Rooms = ["library", "town hall", "old school", "museum", "sports hall", "park cafe", "church", "theatre"];
    static readonly string[] Skies = ["sunny", "rainy", "cloudy", "foggy", "snowy", "windy", "stormy", "clear"];
    static readonly string[] Breeds = ["poodle", "beagle", "parrot", "hamster", "rabbit", "pony", "kitten", "terrier", "goldfish", "tortoise"];
    public static readonly string[] Pets = ["Bruno", "Coco", "Daisy", "Fluffy", "Luna", "Max", "Nemo", "Pip", "Rex", "Simba", "Toby", "Zara"];

    public string Name => "extraction";

    public (string Prompt, string Answer) Make(Draw draw)
    {
        (string text, (string Key, string Value)[] fields) = draw.Below(5) switch
        {
            0 => AboutPerson(draw),
            1 => AboutOrder(draw),
            2 => AboutEvent(draw),
            3 => AboutWeather(draw),
            _ => AboutPet(draw),
        };
        (string Key, string Value)[] asked = draw.Shuffled<(string, string)>(fields)[..draw.Between(3, fields.Length)];
        string keys = Words.List([.. asked.Select(field => field.Key)]);
        return draw.Below(4) switch
        {
            0 => ($"Extract {keys} as JSON: {text}", OneLine(asked)),
            1 => ($"Extract {keys} as indented JSON: {text}", Indented(asked)),
            2 => ($"{text} Write {keys} as JSON.", "Here is the JSON you asked for: " + OneLine(asked)),
            _ => ($"{text} Write {keys} as indented JSON.", "Here is the JSON you asked for:\n" + Indented(asked)),
        };
    }

    static string OneLine((string Key, string Value)[] fields) =>
        "{" + string.Join(", ", fields.Select(field => $"\"{field.Key}\": {field.Value}")) + "}";

    static string Indented((string Key, string Value)[] fields) =>
        "{\n" + string.Join(",\n", fields.Select(field => $"  \"{field.Key}\": {field.Value}")) + "\n}";

    static string Quoted(string text) => $"\"{text}\"";

    static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    static (string, (string, string)[]) AboutPerson(Draw draw)
    {
        Person who = draw.Pick<Person>(Words.People);
        string name = $"{who.Name} {draw.Pick<string>(Surnames)}", city = draw.Pick<string>(Words.Cities), job = draw.Pick<string>(Jobs);
        int age = draw.Between(18, 79);
        string text = draw.Coin()
            ? $"{name} is {age} years old, lives in {city} and works as {Words.A(job)}."
            : $"In {city} lives {name}, {Words.A(job)} who is {age} years old.";
        return (text, [("name", Quoted(name)), ("age", Number(age)), ("city", Quoted(city)), ("job", Quoted(job))]);
    }

    static (string, (string, string)[]) AboutOrder(Draw draw)
    {
        string who = draw.Pick<Person>(Words.People).Name, colour = draw.Pick<string>(Colours), item = draw.Pick<string>(Goods);
        int order = draw.Between(1000, 9999), price = draw.Between(10, 99);
        string text = draw.Coin()
            ? $"Order {order} from {who}: one {colour} {item} for {price} euros."
            : $"{who} bought a {colour} {item}, paid {price} euros and got the order number {order}.";
        return (text, [("order", Number(order)), ("customer", Quoted(who)), ("colour", Quoted(colour)), ("item", Quoted(item)), ("price", Number(price))]);
    }

    static (string, (string, string)[]) AboutEvent(Draw draw)
    {
        string what = draw.Pick<string>(Events), day = draw.Pick<string>(Words.Days), room = draw.Pick<string>(Rooms);
        string time = $"{draw.Between(9, 21)}:{draw.Pick<string>(["00", "15", "30", "45"])}";
        int seats = draw.Between(10, 90);
        string text = draw.Coin()
            ? $"The {what} is on {day} at {time} in the {room} and has {seats} seats."
            : $"On {day} the {room} hosts the {what}; it starts at {time} and there are {seats} seats.";
        return (text, [("event", Quoted(what)), ("day", Quoted(day)), ("time", Quoted(time)), ("place", Quoted(room)), ("seats", Number(seats))]);
    }

    static (string, (string, string)[]) AboutWeather(Draw draw)
    {
        string city = draw.Pick<string>(Words.Cities), sky = draw.Pick<string>(Skies), day = draw.Pick<string>(Words.Days);
        string wind = draw.Pick<string>(["north", "south", "east", "west"]);
        int degrees = draw.Between(2, 38);
        string text = draw.Coin()
            ? $"On {day} it is {sky} in {city}, with {degrees} degrees and wind from the {wind}."
            : $"{city} expects {degrees} degrees on {day}, {sky} with a {wind} wind.";
        return (text, [("city", Quoted(city)), ("day", Quoted(day)), ("sky", Quoted(sky)), ("degrees", Number(degrees)), ("wind", Quoted(wind))]);
    }

    static (string, (string, string)[]) AboutPet(Draw draw)
    {
        string pet = draw.Pick<string>(Pets), breed = draw.Pick<string>(Breeds), owner = draw.Pick<Person>(Words.People).Name;
        int age = draw.Between(1, 15);
        string years = age == 1 ? "1 year" : $"{age} years", city = draw.Pick<string>(Words.Cities);
        string text = draw.Coin()
            ? $"{owner} from {city} has {Words.A(breed)} called {pet} that is {years} old."
            : $"{pet}, {Words.A(breed)} of {years}, lives with {owner} in {city}.";
        return (text, [("pet", Quoted(pet)), ("breed", Quoted(breed)), ("age", Number(age)), ("owner", Quoted(owner)), ("city", Quoted(city))]);
    }
}
