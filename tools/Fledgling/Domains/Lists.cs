// Lists of words in another shape: one a line, numbered, in one sentence, as JSON; and what stands before or after a word.
// The words come from classes whose members nothing else tells apart (names, towns, days): here a model learns to copy them.
namespace Aerie.Fledgling.Domains;

internal sealed class Lists : IDomain
{
    static readonly string[] Pool =
    [
        .. Words.People.Select(person => person.Name), .. Words.People.Select(person => person.Name), .. Words.Cities, .. Words.Days, .. Words.Things.Select(thing => thing.Many),
        .. "north south east west sunny rainy cloudy foggy snowy windy stormy clear red blue green black white yellow brown grey".Split(' '),
        .. Extraction.Surnames, .. Extraction.Pets, .. Extraction.Jobs,
    ];

    public string Name => "lists";

    public (string Prompt, string Answer) Make(Draw draw)
    {
        string[] words = new string[draw.Between(4, 8)];
        for (int i = 0; i < words.Length; i++)
            do
                words[i] = draw.Pick<string>(Pool);
            while (Array.IndexOf(words, words[i]) < i);
        string sentence = Words.List(words), lines = string.Join('\n', words);
        int at = draw.Between(1, words.Length - 2);
        return draw.Below(6) switch
        {
            0 => ($"Repeat these words: {sentence}.", $"You said: {sentence}."),
            1 => ($"{sentence}: write these words as a numbered list.", string.Join('\n', words.Select((word, i) => $"{i + 1}. {word}"))),
            2 => ($"Join these lines with commas:\n{lines}", $"In one line that is: {sentence}."),
            3 => ($"Write one word a line: {sentence}.", $"Here you are:\n{lines}"),
            4 => ($"Make a JSON list of {sentence}.", "[" + string.Join(", ", words.Select(word => $"\"{word}\"")) + "]"),
            _ => ($"In the list {sentence}, which words stand beside {words[at]}?",
                $"The list is {sentence}. Before {words[at]} stands {words[at - 1]}, and after {words[at]} stands {words[at + 1]}."),
        };
    }
}
