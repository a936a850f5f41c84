// The corpus: an endless, seeded stream of conversations of one question and one answer, drawn from the domains in turn.
// A prompt belongs to the held-out side if its own hash says so (one in sixteen) and to training otherwise: the two sides
// cannot share a prompt, whatever the seeds are. The hash is FNV-1a over the UTF-8 bytes, stirred once.
using System.Text;
using Aerie.Fledgling.Domains;

namespace Aerie.Fledgling;

internal readonly record struct Example(string Domain, string Prompt, string Answer);

internal enum Side { Training, HeldOut }

/// <summary>One kind of task. The answer is a function of the prompt: nothing in it is drawn that the prompt does not show.</summary>
internal interface IDomain
{
    string Name { get; }
    (string Prompt, string Answer) Make(Draw draw);
}

internal sealed class Corpus(Side side, ulong seed)
{
    public static readonly IDomain[] Domains =
        [new Sums(), new Conversions(), new Code(), new Extraction(), new Rewriting(), new SmallTalk(), new Animals(), new Lists(), new Drills()];

    // Lists and drills are practice for the others: copying and arithmetic, many times in one answer. They are trained on, but nobody asks for them.
    static readonly IDomain[] Practice = [Domains[7], Domains[8]];
    static readonly int[] Turns = [0, 7, 1, 8, 2, 3, 7, 4, 5, 8, 0, 6, 7, 1, 3, 4, 5];

    readonly Draw draw = new(seed * 2 + (side == Side.HeldOut ? 1u : 0u));
    int turn;

    public static bool IsHeldOut(string prompt) => Hash(prompt) % 16 == 0;

    public Example Next() => Next(Domains[Turns[turn++ % Turns.Length]]);

    public Example Next(IDomain domain)
    {
        while (true)
        {
            (string prompt, string answer) = domain.Make(draw);
            if (IsHeldOut(prompt) == (side == Side.HeldOut))
                return new Example(domain.Name, prompt, answer);
        }
    }

    /// <summary>The domains that prompt files hold.</summary>
    public static IEnumerable<IDomain> Asked => Domains.Except(Practice);

    /// <summary>The same number of different prompts from every domain that is asked for, domain by domain in turn.</summary>
    public List<Example> Distinct(int perDomain)
    {
        var seen = new HashSet<string>();
        var all = new List<Example>();
        for (int i = 0; i < perDomain; i++)
            foreach (IDomain domain in Asked)
            {
                Example example = Next(domain);
                while (!seen.Add(example.Prompt))
                    example = Next(domain);
                all.Add(example);
            }
        return all;
    }

    public static ulong Hash(string text)
    {
        ulong hash = 0xCBF29CE484222325;
        foreach (byte value in Encoding.UTF8.GetBytes(text))
            hash = (hash ^ value) * 0x100000001B3;
        hash = (hash ^ (hash >> 32)) * 0xD6E8FEB86659FD93;
        return hash ^ (hash >> 32);
    }
}
