// Matrix products on every instruction set of the machine, in one process, against plain loops in double precision; and the promise that an element's
// bits depend on nothing but its row of A and its column of B.
using Aerie.Tensors.Cpu;

namespace Aerie.Tensors.Tests.Cpu;

[Collection("engine settings")]
public sealed unsafe class GemmTests : IDisposable
{
    readonly int _threads = Threads.Count;

    public void Dispose() => Threads.Count = _threads;

    public static TheoryData<Isa, Precision> Kernels
    {
        get
        {
            var data = new TheoryData<Isa, Precision>();
            foreach (Isa isa in CpuFeatures.Available)
            {
                data.Add(isa, Precision.F32);
                data.Add(isa, Precision.BF16);
            }

            return data;
        }
    }

    static float[] Random(int count, int seed)
    {
        var random = new Random(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
            values[i] = (float)(random.NextDouble() * 2 - 1);
        return values;
    }

    static ushort[] ToBF16(float[] values) => Array.ConvertAll(values, x => (ushort)(BitConverter.SingleToUInt32Bits(Rounded(x)) >> 16));

    static float Rounded(float x)
    {
        uint bits = BitConverter.SingleToUInt32Bits(x);
        return BitConverter.UInt32BitsToSingle(bits + 0x7fff + (bits >> 16 & 1) & 0xffff0000);
    }

    /// <summary>One way to give and combine the operands.</summary>
    readonly record struct Way(bool TransposedA, bool BF16A, bool TransposedB, bool BF16B, bool Packed, bool Accumulate, bool Bias, float Alpha)
    {
        public static Way Number(int i) => new((i & 1) != 0, (i & 2) != 0, (i & 4) != 0, (i & 8) != 0, (i & 16) != 0, (i & 32) != 0, (i & 64) != 0, (i & 128) != 0 ? 0.5f : 1);
    }

    /// <summary>Multiplies with a kernel; rows of A, B and C are `gap` elements longer than needed.</summary>
    static float[] Multiply(GemmKernel kernel, Precision precision, Way way, int m, int n, int k, float[] a, float[] b, float[] c, float[] bias, int gap)
    {
        float[] result = (float[])c.Clone();
        ushort[] a16 = ToBF16(a), b16 = ToBF16(b);
        fixed (float* pa = a, pb = b, pc = result, pBias = bias)
        fixed (ushort* pa16 = a16, pb16 = b16)
        {
            int rowsA = way.TransposedA ? k : m, colsA = way.TransposedA ? m : k, rowsB = way.TransposedB ? n : k, colsB = way.TransposedB ? k : n;
            MatrixView va = way.BF16A ? new(pa16, rowsA, colsA, colsA + gap) : new(pa, rowsA, colsA, colsA + gap);
            MatrixView vb = way.BF16B ? new(pb16, rowsB, colsB, colsB + gap) : new(pb, rowsB, colsB, colsB + gap);
            if (way.TransposedA)
                va = va.T;
            if (way.TransposedB)
                vb = vb.T;
            if (way.Packed)
            {
                using PackedMatrix packed = PackedMatrix.Pack(precision, vb, kernel);
                Gemm.Multiply(va, packed, pc, n + gap, way.Accumulate, way.Bias ? pBias : null, way.Alpha);
            }
            else
            {
                Gemm.Multiply(va, vb, pc, n + gap, kernel, way.Accumulate, way.Bias ? pBias : null, way.Alpha);
            }
        }

        return result;
    }

    static void Check(GemmKernel kernel, Precision precision, Way way, int m, int n, int k, int gap = 3)
    {
        int lineA = (way.TransposedA ? m : k) + gap, lineB = (way.TransposedB ? k : n) + gap;
        float[] a = Random(lineA * (way.TransposedA ? k : m), 1), b = Random(lineB * (way.TransposedB ? n : k), 2);
        float[] c = Random(m * (n + gap), 3), bias = Random(n, 4);
        float[] result = Multiply(kernel, precision, way, m, n, k, a, b, c, bias, gap);
        for (int i = 0; i < m; i++)
        {
            for (int j = 0; j < n + gap; j++)
            {
                int at = i * (n + gap) + j;
                if (j >= n)
                {
                    Assert.Equal(c[at], result[at]); // what lies between the rows is not ours
                    continue;
                }

                double sum = 0, size = 0;
                for (int p = 0; p < k; p++)
                {
                    float x = a[way.TransposedA ? p * lineA + i : i * lineA + p], y = b[way.TransposedB ? j * lineB + p : p * lineB + j];
                    if (way.BF16A || precision == Precision.BF16)
                        x = Rounded(x);
                    if (way.BF16B || precision == Precision.BF16)
                        y = Rounded(y);
                    sum += (double)x * y;
                    size += Math.Abs((double)x * y);
                }

                double expected = sum * way.Alpha + (way.Bias ? bias[j] : 0) + (way.Accumulate ? c[at] : 0);
                if (!(Math.Abs(result[at] - expected) <= 1e-6 * (2 + size)))
                    Assert.Fail($"{kernel.Name} {precision} {way} {m}x{n}x{k}: element {i},{j} is {result[at]}, expected {expected}");
            }
        }
    }

    [Theory, MemberData(nameof(Kernels))]
    public void Any_shape_and_any_way_equal_plain_loops(Isa isa, Precision precision)
    {
        GemmKernel kernel = GemmKernel.For(isa, precision);
        int[] sizes = [1, 2, 3, 7, 15, 16, 17, 33, 64, 100];
        int way = 0;
        foreach (int m in sizes)
        {
            foreach (int n in sizes)
            {
                foreach (int k in sizes)
                    Check(kernel, precision, Way.Number(way++ * 37 % 256), m, n, k);
            }
        }

        for (way = 0; way < 256; way++)
            Check(kernel, precision, Way.Number(way), 37, 41, 23);
        Check(kernel, precision, Way.Number(16), 5, 7, 0);
        Check(kernel, precision, Way.Number(16), 0, 7, 5);
    }

    [Theory, MemberData(nameof(Kernels))]
    public void Blocked_products_equal_plain_loops(Isa isa, Precision precision)
    {
        GemmKernel kernel = GemmKernel.For(isa, precision);
        foreach (int way in new[] { 16 + 4, 1 + 32 })
            Check(kernel, precision, Way.Number(way), 101, 135, 2301);
        Check(kernel, precision, Way.Number(16 + 64 + 128), 301, 259, 70);
    }

    [Theory, MemberData(nameof(Kernels))]
    public void A_row_has_the_same_bits_whatever_is_computed_with_it(Isa isa, Precision precision)
    {
        GemmKernel kernel = GemmKernel.For(isa, precision);
        foreach ((int n, int k) in new[] { (35, 2301), (70, 192), (33, 7) })
        {
            const int most = 130;
            float[] a = Random(most * k, 5), b = Random(n * k, 6), bias = Random(n, 7), c = Random(most * n, 8);
            foreach (int number in new[] { 16 + 4, 16 + 4 + 32 + 64 })
            {
                Way way = Way.Number(number);
                float[] all = Multiply(kernel, precision, way, most, n, k, a, b, c, bias, 0);
                for (int m = 1; m <= 50; m = m < 20 ? m + 1 : m + 15)
                {
                    foreach (int first in new[] { 0, 17, most - m })
                    {
                        float[] some = Multiply(kernel, precision, way, m, n, k, a[(first * k)..((first + m) * k)], b, c[(first * n)..((first + m) * n)], bias, 0);
                        Assert.True(all.AsSpan(first * n, m * n).SequenceEqual(some), $"{isa} {precision} n {n} k {k}: {m} rows from {first}");
                    }
                }
            }
        }
    }

    [Theory, MemberData(nameof(Kernels))]
    public void The_number_of_threads_changes_nothing(Isa isa, Precision precision)
    {
        GemmKernel kernel = GemmKernel.For(isa, precision);
        foreach ((int m, int n, int k) in new[] { (1, 700, 300), (8, 700, 300), (300, 300, 700) })
        {
            float[] a = Random(m * k, 5), b = Random(n * k, 6), bias = Random(n, 7), c = Random(m * n, 8);
            foreach (int number in new[] { 0, 16 + 32 })
            {
                Threads.Count = 1;
                float[] one = Multiply(kernel, precision, Way.Number(number), m, n, k, a, b, c, bias, 0);
                foreach (int threads in new[] { 2, 3 })
                {
                    Threads.Count = threads;
                    Assert.Equal(one, Multiply(kernel, precision, Way.Number(number), m, n, k, a, b, c, bias, 0));
                }
            }
        }
    }

    [Theory, MemberData(nameof(Kernels))]
    public void Repacking_gives_what_packing_gives_and_not_a_number_stays_one(Isa isa, Precision precision)
    {
        GemmKernel kernel = GemmKernel.For(isa, precision);
        float[] a = Random(3 * 40, 1), b = Random(40 * 50, 2), other = Random(40 * 50, 3), fresh = new float[150], again = new float[150];
        b[7] = float.NaN;
        b[8] = float.PositiveInfinity;
        b[1999] = BitConverter.UInt32BitsToSingle(0x7f800001);
        fixed (float* pa = a, pb = b, pOther = other, pFresh = fresh, pAgain = again)
        {
            using PackedMatrix first = PackedMatrix.Pack(precision, new MatrixView(pb, 40, 50), kernel), second = PackedMatrix.Pack(precision, new MatrixView(pOther, 40, 50), kernel);
            second.Repack(new MatrixView(pb, 40, 50));
            Gemm.Multiply(new MatrixView(pa, 3, 40), first, pFresh, 50);
            Gemm.Multiply(new MatrixView(pa, 3, 40), second, pAgain, 50);
        }

        Assert.Equal(fresh, again);
        Assert.All([0, 1, 2], row => Assert.True(float.IsNaN(fresh[row * 50 + 7]) && float.IsInfinity(fresh[row * 50 + 8]) && float.IsNaN(fresh[row * 50 + 49])));
        Assert.Equal(6, fresh.Count(x => float.IsNaN(x)));
    }

    [Theory, MemberData(nameof(Kernels))]
    public void A_product_allocates_nothing(Isa isa, Precision precision)
    {
        GemmKernel kernel = GemmKernel.For(isa, precision);
        float[] a = Random(300 * 64, 1), b = Random(64 * 96, 2), c = new float[300 * 96];
        fixed (float* pa = a, pb = b, pc = c)
        {
            using PackedMatrix packed = PackedMatrix.Pack(precision, new MatrixView(pb, 64, 96), kernel);
            long before = 0;
            for (int i = 0; i < 20; i++)
            {
                if (i == 10)
                    before = GC.GetAllocatedBytesForCurrentThread();
                Gemm.Multiply(new MatrixView(pa, 1, 64), packed, pc, 96);
                Gemm.Multiply(new MatrixView(pa, 300, 64), packed, pc, 96, accumulate: true);
                Gemm.Multiply(new MatrixView(pa, 64, 300).T, new MatrixView(pb, 64, 96), pc, 96, kernel, true, null, 1);
                packed.Repack(new MatrixView(pb, 64, 96));
            }

            Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        }
    }

    /// <summary>AMX without AMX: the kernel's machine code is decoded and executed by the test, within the real packing and loops.</summary>
    [Fact]
    public void The_tile_kernel_equals_plain_loops_when_its_code_is_interpreted()
    {
        var kernel = new InterpretedTiles();
        int way = 0;
        foreach ((int m, int n, int k) in new[] { (1, 1, 1), (2, 33, 31), (15, 32, 32), (16, 31, 33), (17, 64, 64), (33, 7, 100), (40, 70, 65), (100, 33, 1), (3, 3, 0) })
        {
            for (int i = 0; i < 8; i++)
                Check(kernel, Precision.BF16, Way.Number(way++ * 37 % 256), m, n, k);
        }

        Check(kernel, Precision.BF16, Way.Number(16 + 4), 67, 33, 2101); // two blocks of k: sums are put down and taken up

        // A row's bits alone and in company.
        float[] a = Random(40 * 90, 5), b = Random(50 * 90, 6), c = new float[40 * 50];
        float[] all = Multiply(kernel, Precision.BF16, Way.Number(16 + 4), 40, 50, 90, a, b, c, [], 0);
        foreach (int row in new[] { 0, 15, 16, 39 })
            Assert.Equal(all[(row * 50)..(row * 50 + 50)], Multiply(kernel, Precision.BF16, Way.Number(16 + 4), 1, 50, 90, a[(row * 90)..(row * 90 + 90)], b, c[..50], [], 0));
    }

    [Fact]
    public void A_name_that_is_not_there_says_what_is()
    {
        Assert.Contains("avx9", Assert.Throws<InvalidOperationException>(() => CpuFeatures.Choose("avx9")).Message);
        Assert.Equal(Isa.Portable, CpuFeatures.Choose("portable"));
        if (!CpuFeatures.Available.Contains(Isa.Amx))
            Assert.Contains("amx", Assert.Throws<InvalidOperationException>(() => CpuFeatures.Choose("amx")).Message);
    }

    [Fact]
    public void Shapes_that_do_not_fit_are_refused()
    {
        float* x = stackalloc float[32];
        Assert.Throws<ArgumentException>(() => Gemm.Multiply(new MatrixView(x, 2, 3), new MatrixView(x, 4, 5), x, 5, Precision.F32));
        Assert.Throws<ArgumentException>(() => Gemm.Multiply(new MatrixView(x, 2, 4), new MatrixView(x, 4, 5), x, 4, Precision.F32));
    }
}
