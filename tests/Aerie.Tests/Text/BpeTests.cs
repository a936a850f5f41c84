// The three ways to merge against the definition: the pair of lowest rank, the leftmost among equals, until none is left.
using Aerie.Text.Bpe;

namespace Aerie.Tests.Text;

public class BpeTests
{
    [Theory]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(3, false)]
    [InlineData(4, false)]
    public void All_ways_to_merge_are_the_definition(int seed, bool inOrder)
    {
        var random = new Random(seed);
        for (var round = 0; round < 60; round++)
        {
            // In order: a merge joins what is there; otherwise any ids, in circles too.
            var (table, count) = (new MergeTable(40), random.Next(2, 5));
            for (var i = 0; i < 40; i++) table.Add(random.Next(inOrder ? count + i : 30), random.Next(inOrder ? count + i : 30), inOrder ? count + i : random.Next(30));
            table.Finish();
            Assert.True(table.InOrder || !inOrder);
            foreach (var length in (int[])[0, 1, 2, 3, 7, 40, 96, 300])
            {
                var run = random.Next(2) == 0;
                int[] symbols = [.. Enumerable.Range(0, length).Select(_ => run ? 0 : random.Next(count))];
                var expected = Definition(table, symbols);
                Assert.Equal(expected, table.MergeFew(symbols.ToArray()).ToArray());
                Assert.Equal(expected, table.MergeByHeap(symbols.ToArray()).ToArray());
                if (table.InOrder) Assert.Equal(expected, new RankBuckets(table, symbols.ToArray()).Merge().ToArray());
            }
        }
    }

    static int[] Definition(MergeTable table, int[] symbols)
    {
        var list = symbols.ToList();
        while (true)
        {
            var best = Enumerable.Range(0, Math.Max(0, list.Count - 1)).OrderBy(i => table.Rank(list[i], list[i + 1], out _)).FirstOrDefault(-1);
            if (best < 0 || table.Rank(list[best], list[best + 1], out var id) == MergeTable.Never) return [.. list];
            list[best] = id;
            list.RemoveAt(best + 1);
        }
    }
}
