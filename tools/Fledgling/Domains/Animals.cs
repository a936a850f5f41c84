// Facts about animals: description, comparison, yes-or-no questions, riddles, all from one table in which every home, food and skill occurs once.
namespace Aerie.Fledgling.Domains;

internal sealed class Animals : IDomain
{
    readonly record struct Animal(string Name, string Kind, string Home, string Food, string Skill);

    static readonly Animal[] Zoo =
    [
        new("otter", "mammal", "rivers", "fish", "swim very fast"), new("owl", "bird", "old trees", "mice", "see in the dark"),
        new("camel", "mammal", "the desert", "dry plants", "walk for days without water"), new("penguin", "bird", "the icy south", "small fish", "dive deep into the sea"),
        new("frog", "amphibian", "ponds", "flies", "jump a long way"), new("eagle", "bird", "high mountains", "rabbits", "see from far away"),
        new("bat", "mammal", "caves", "moths", "find its way by sound"), new("beaver", "mammal", "streams", "bark", "build strong dams"),
        new("tortoise", "reptile", "warm islands", "leaves", "live for a hundred years"), new("shark", "fish", "the open sea", "seals", "smell a drop of blood"),
        new("monkey", "mammal", "the jungle", "fruit", "swing from branch to branch"), new("squirrel", "mammal", "city parks", "nuts", "climb any tree"),
        new("bee", "insect", "hives", "nectar", "dance to show the way"), new("ant", "insect", "tunnels", "seeds", "carry heavy loads"),
        new("lion", "mammal", "the savanna", "zebras", "roar very loudly"), new("polar bear", "mammal", "the icy north", "walruses", "swim in freezing water"),
        new("snake", "reptile", "rocky hills", "eggs", "move without legs"), new("spider", "arachnid", "dark corners", "small bugs", "spin a fine web"),
        new("parrot", "bird", "the rain forest", "berries", "copy human words"), new("kangaroo", "mammal", "dry plains", "grass", "hop at great speed"),
        new("whale", "mammal", "the deep ocean", "tiny shrimps", "sing long songs"), new("hedgehog", "mammal", "gardens", "snails", "roll into a ball"),
        new("swan", "bird", "quiet lakes", "water plants", "glide over the water"), new("goat", "mammal", "steep hills", "herbs", "climb on narrow rocks"),
    ];

    public string Name => "animals";

    public (string Prompt, string Answer) Make(Draw draw)
    {
        (Animal a, Animal b) = draw.Pair<Animal>(Zoo);
        string who = draw.Pick<Person>(Words.People).Name;
        string thing = Words.A(a.Name), other = Words.A(b.Name);
        switch (draw.Below(6))
        {
            case 0:
                return ($"{who} wants to know what {thing} is. Explain it.",
                    $"Dear {who}, the {a.Name} is {Words.A(a.Kind)} that lives in {a.Home}. It eats {a.Food} and can {a.Skill}.");
            case 1:
                return ($"What is the difference between {thing} and {other}?", a.Kind == b.Kind
                    ? $"Both are of the same kind: {a.Kind}. But the {a.Name} lives in {a.Home} and eats {a.Food}, while the {b.Name} lives in {b.Home} and eats {b.Food}."
                    : $"The {a.Name} is {Words.A(a.Kind)} and lives in {a.Home}, while the {b.Name} is {Words.A(b.Kind)} and lives in {b.Home}.");
            case 2:
                bool eats = draw.Coin();
                return ($"{who} asks: does the {a.Name} eat {(eats ? a.Food : b.Food)}?", eats
                    ? $"Yes, {who}, that is right. The {a.Name} lives in {a.Home} and eats {a.Food}."
                    : $"No, {who}, the {a.Name} does not eat {b.Food}. It eats {a.Food}. The {b.Name} is the one that eats {b.Food}.");
            case 3:
                return ($"Which animal can {a.Skill}, and which one can {b.Skill}?",
                    $"The {a.Name} can {a.Skill}. It lives in {a.Home}. The {b.Name}, which lives in {b.Home}, can {b.Skill}.");
            case 4:
                bool home = draw.Coin();
                return ($"True or false: the {a.Name} lives in {(home ? a.Home : b.Home)} and can {a.Skill}. {who} is not sure.", home
                    ? $"It is true, {who}. The {a.Name} lives in {a.Home}, and it can {a.Skill}."
                    : $"It is false, {who}. The {a.Name} can {a.Skill}, but it lives in {a.Home}, not in {b.Home}.");
            default:
                return ($"Tell {who} a short story about {thing} and {other}.",
                    $"Once {thing} from {a.Home} met {other} from {b.Home}. \"I can {a.Skill},\" said the {a.Name}. \"And I can {b.Skill},\" said the {b.Name}. Then they shared some {a.Food} and became friends. Good night, {who}!");
        }
    }
}
