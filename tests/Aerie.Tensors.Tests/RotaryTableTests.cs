// Longrope's two regimes: which token is in which, and where its angles stand; tables that grow keep what they had.
namespace Aerie.Tensors.Tests;

public sealed class RotaryTableTests
{
    static readonly double[] Short = RotaryTable.Stretched(8, 1000, [1, 1.1, 1.3, 1.5]), Long = RotaryTable.Stretched(8, 1000, [1, 1.4, 2.2, 3.1]);

    [Theory]
    [InlineData(1, 0, false), InlineData(16, 15, false), InlineData(16, 16, true), InlineData(17, 0, true), InlineData(0, 15, false), InlineData(0, 16, true), InlineData(40, 39, true)]
    public void A_token_is_long_by_its_own_text(int prompt, int position, bool isLong)
    {
        using var table = RotaryTable.LongRope(Short, Long, 16, 1);
        Assert.Equal(isLong, table.IsLong(prompt, position));
        using var plain = new RotaryTable(Short);
        Assert.False(plain.IsLong(prompt, position));
    }

    [Fact]
    public void Rows_of_both_regimes_hold_their_angles_after_growing()
    {
        using var table = RotaryTable.LongRope(Short, Long, 16, 1.25, headSize: 10, positions: 4);
        table.Grow(50);
        Assert.Equal((10, 8, 16), (table.HeadSize, table.RotatedSize, table.ShortLength));
        foreach (var (position, isLong) in ((int, bool)[])[(0, false), (15, false), (0, true), (16, true), (49, true)])
        {
            var frequencies = isLong ? Long : Short;
            var row = table.Row(position, isLong);
            for (var i = 0; i < 4; i++)
            {
                Assert.Equal((float)(1.25 * Math.Cos(position * frequencies[i])), table.Cos.Row(row)[i]);
                Assert.Equal((float)(1.25 * Math.Sin(position * frequencies[i])), table.Sin.Row(row)[i]);
            }
        }
        Assert.Equal(1, RotaryTable.LongRopeScale(1, 4096));
        Assert.Equal(Math.Sqrt(1 + Math.Log(32) / Math.Log(4096)), RotaryTable.LongRopeScale(32, 4096));
    }
}
