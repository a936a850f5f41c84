// Arithmetic without a story: rows of small sums, times tables and counting in steps. Many results in one answer.
namespace Aerie.Fledgling.Domains;

internal sealed class Drills : IDomain
{
    public string Name => "drills";

    public (string Prompt, string Answer) Make(Draw draw)
    {
        switch (draw.Below(4))
        {
            case 0:
                int factor = draw.Between(2, 9), first = draw.Between(2, 5), last = first + draw.Between(3, 4);
                string who = draw.Pick<Person>(Words.People).Name;
                return ($"Tell {who} the table of {factor} from {first} to {last}.",
                    $"Dear {who}, here it is: " + string.Join(", ", Enumerable.Range(first, last - first + 1).Select(i => $"{i} x {factor} = {i * factor}")) + ".");
            case 1:
                int start = draw.Between(1, 30), step = draw.Between(2, 12), count = draw.Between(5, 8);
                return ($"Count from {start} in steps of {step}, {count} numbers.",
                    string.Join(", ", Enumerable.Range(0, count).Select(i => start + i * step)) + $". Each number is {step} more than the one before.");
            default:
                string[] sums = new string[draw.Between(4, 6)], results = new string[sums.Length];
                for (int i = 0; i < sums.Length; i++)
                    (sums[i], results[i]) = Sum(draw);
                return ($"Work these out: {Words.List(sums)}.", string.Join("\n", sums.Zip(results, (sum, result) => $"{sum} = {result}")));
        }
    }

    static (string Sum, string Result) Sum(Draw draw)
    {
        int a = draw.Between(2, 9), b = draw.Between(2, 9), c = draw.Between(3, 40), d = draw.Between(2, 20);
        return draw.Below(4) switch
        {
            0 => ($"{c} + {d}", $"{c + d}"),
            1 => ($"{c + d} - {d}", $"{c}"),
            2 => ($"{a} x {b}", $"{a * b}"),
            _ => ($"{a * b} / {a}", $"{b}"),
        };
    }
}
