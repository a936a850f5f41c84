// Small talk over a closed set of hobbies, moods, foods and kinds of weather; each topic has its own replies.
namespace Aerie.Fledgling.Domains;

internal sealed class SmallTalk : IDomain
{
    readonly record struct Hobby(string Doing, string Reply, string Question, string Present);

    static readonly Hobby[] Hobbies =
    [
        new("painting", "Painting is a calm way to spend an evening.", "Do you prefer oil or water colours?", "a set of fine brushes"),
        new("swimming", "Swimming keeps the whole body strong.", "Do you swim in a pool or in a lake?", "a warm towel"),
        new("cooking", "Cooking for friends is a great joy.", "Which dish do you make best?", "a sharp kitchen knife"),
        new("chess", "Chess is a quiet fight of ideas.", "Do you like to open with the king's pawn?", "a wooden chess board"),
        new("hiking", "Hiking clears the head.", "Do you walk in the mountains or by the sea?", "a pair of thick socks"),
        new("dancing", "Dancing makes every party better.", "Which music do you dance to?", "a ticket for a dance evening"),
        new("reading", "Reading opens a door to other lives.", "Which book is on your table now?", "a good reading lamp"),
        new("gardening", "Gardening teaches us to wait.", "Do you grow flowers or vegetables?", "a box of tulip bulbs"),
        new("fishing", "Fishing is best early in the morning.", "What was your largest fish?", "a folding chair"),
        new("singing", "Singing is good for the heart.", "Do you sing alone or in a choir?", "a book of old songs"),
        new("cycling", "Cycling is fast, cheap and healthy.", "How far do you ride on a normal day?", "a bright bicycle lamp"),
        new("knitting", "Knitting turns a thread into something warm.", "Who gets your next scarf?", "six balls of soft wool"),
        new("photography", "Photography is about light and patience.", "Do you take more pictures of people or of places?", "a strong camera bag"),
        new("baking", "Baking fills the house with a lovely smell.", "Do you bake bread or cakes?", "a large cake tin"),
        new("sailing", "Sailing depends on the wind and on good hands.", "Do you have a boat of your own?", "a waterproof jacket"),
        new("running", "Running needs only shoes and a little will.", "Do you train for a race?", "a light pair of gloves"),
    ];

    static readonly (string Word, bool Good)[] Moods =
        [("happy", true), ("proud", true), ("excited", true), ("relaxed", true), ("sad", false), ("tired", false), ("nervous", false), ("bored", false), ("angry", false), ("lonely", false)];
    static readonly (string Text, string Advice)[] GoodReasons =
    [
        ("I passed my test", "All the learning was worth it."), ("I got a new job", "I wish you a good start there."), ("my friend is visiting me", "Enjoy every hour together."),
        ("my team won", "That calls for a small party."), ("I finished my book", "Now you can choose the next one."), ("it is my birthday", "Have a piece of cake for me."),
        ("we have a new puppy", "Give it a gentle pat from me."), ("my holiday starts now", "Leave your work behind and rest."),
    ];
    static readonly (string Text, string Advice)[] BadReasons =
    [
        ("I slept badly", "A short nap and a glass of water may help."), ("my bike was stolen", "Tell the police and ask your neighbours."), ("I have a test soon", "Learn a little every day and take breaks."),
        ("my friend moved away", "Call your friend and plan a visit."), ("my team lost", "There will be another game soon."), ("I broke my phone", "A repair shop can often save it."),
        ("it rains all day", "Make some tea and play a board game."), ("I have too much work", "Write a list and begin with the smallest task."),
    ];
    static readonly (string Food, string Dish)[] Bases =
        [("rice", "a fried rice"), ("noodles", "a noodle soup"), ("potatoes", "a potato stew"), ("bread", "a toasted sandwich"), ("eggs", "an omelette"), ("flour", "a savoury pie"), ("beans", "a bean salad"), ("oats", "a warm porridge")];
    static readonly (string Food, string Way)[] Sides =
        [("carrots", "cut into thin strips"), ("cheese", "grated on top"), ("tomatoes", "roasted in the oven"), ("spinach", "steamed for two minutes"), ("mushrooms", "fried in butter"),
         ("onions", "browned slowly"), ("peppers", "cut into rings"), ("apples", "cut into small cubes"), ("nuts", "chopped and toasted"), ("herbs", "added at the very end")];
    static readonly (string Word, string Plan)[] Weather =
        [("sunny", "have a picnic by the lake"), ("rainy", "visit the museum"), ("snowy", "build a snowman and drink hot chocolate"), ("windy", "fly a kite on the hill"),
         ("foggy", "stay inside and play cards"), ("hot", "go to the pool and eat ice cream"), ("cold", "cook a big pot of soup"), ("cloudy", "take a long walk in the woods")];

    public string Name => "small talk";

    public (string Prompt, string Answer) Make(Draw draw)
    {
        (Person who, Person friend) = draw.Pair<Person>(Words.People);
        Hobby hobby = draw.Pick<Hobby>(Hobbies);
        string city = draw.Pick<string>(Words.Cities), day = draw.Pick<string>(Words.Days);
        switch (draw.Below(5))
        {
            case 0:
                return draw.Coin()
                    ? ($"Hi, I am {who.Name} from {city} and I love {hobby.Doing}.", $"Hello {who.Name}, greetings to {city}! {hobby.Reply} {hobby.Question}")
                    : ($"My name is {who.Name}. My friend {friend.Name} and I both enjoy {hobby.Doing}.",
                        $"Nice to meet you, {who.Name}! {hobby.Reply} It is even better with a friend like {friend.Name}. {hobby.Question}");
            case 1:
                (string mood, bool good) = draw.Pick<(string, bool)>(Moods);
                (string reason, string advice) = draw.Pick<(string, string)>(good ? GoodReasons : BadReasons);
                string echo = reason.Replace("my ", "your ", StringComparison.Ordinal).Replace("I have", "you have", StringComparison.Ordinal)
                    .Replace("we have", "you have", StringComparison.Ordinal).Replace("visiting me", "visiting you", StringComparison.Ordinal)
                    .Replace("I ", "you ", StringComparison.Ordinal);
                return ($"{who.Name} here. I feel {mood} because {reason}.", good
                    ? $"That is wonderful, {who.Name}! No wonder you feel {mood} when {echo}. {advice}"
                    : $"I am sorry that you feel {mood}, {who.Name}. It is not easy when {echo}. {advice}");
            case 2:
                (string food, string dish) = draw.Pick<(string, string)>(Bases);
                (string side, string way) = draw.Pick<(string, string)>(Sides);
                return draw.Coin()
                    ? ($"{who.Name} and {friend.Name} are coming for dinner. I have {food} and {side}. Any idea?",
                        $"You could make {dish} for {who.Name} and {friend.Name}. Serve it with {side}, {way}. Enjoy your meal!")
                    : ($"What can I cook for {who.Name} on {day} with {food} and {side}?",
                        $"How about {dish}? The {side} should be {way}. I am sure that {who.Name} will like it on {day}.");
            case 3:
                (string sky, string plan) = draw.Pick<(string, string)>(Weather);
                bool weekend = day.StartsWith('S');
                return ($"It is {sky} in {city} on {day}. What can {who.Name} and I do?", weekend
                    ? $"It is the weekend, so you have the whole day. In {sky} weather you and {who.Name} could {plan}. Have fun in {city}!"
                    : $"{day} is a working day, so wait for the evening. Then you and {who.Name} could {plan}, even if it is {sky} in {city}.");
            default:
                int coins = draw.Between(10, 60);
                return ($"What can I give {who.Name} for {who.Possessive} birthday? {Words.Capital(who.Subject)} loves {hobby.Doing} and I have {coins} euros.",
                    $"For {who.Name} I would choose {hobby.Present}, since {who.Subject} loves {hobby.Doing}. {(coins >= 30 ? $"With {coins} euros you can add some flowers." : $"{coins} euros should be enough for that.")}");
        }
    }
}
