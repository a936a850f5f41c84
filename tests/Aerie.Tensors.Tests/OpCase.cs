// One list of cases for every kernel: its shapes (odd tails, one row, no rows) and its random inputs. The list drives the comparison of backends,
// lane widths and thread counts, the independence of rows, and the speed benchmark.
using System.Collections.Concurrent;

namespace Aerie.Tensors.Tests;

/// <summary>What a kernel wrote. Rows: the values belong to the rows of the input, one after another; otherwise they are sums over rows.</summary>
sealed record OpOutput(string Name, float[] Values, bool Rows = true);

/// <summary>A kernel on inputs [begin, begin + count) of its <see cref="Rows"/> rows.</summary>
/// <param name="Run">(kernels, first row, number of rows) → outputs; deterministic.</param>
/// <param name="Bytes">Bytes that the kernel must read and write at least, for all rows.</param>
sealed record OpCase(string Name, int Rows, long Bytes, Func<IKernels, int, int, OpOutput[]> Run)
{
    public override string ToString() => Name;

    static readonly (int Rows, int Cols)[] Shapes = [(0, 8), (1, 1), (1, 576), (3, 17), (5, 64), (33, 100), (70, 257), (300, 128)];

    public static IEnumerable<OpCase> All() => Shapes.SelectMany(s => Of(s.Rows, s.Cols));

    /// <summary>Every kernel on rows of about this size.</summary>
    public static IEnumerable<OpCase> Of(int rows, int cols)
    {
        var (size, n) = ($"[{rows}, {cols}]", (long)rows * cols * 4);
        yield return new($"Add {size}", rows, 3 * n, (k, at, count) =>
        {
            using var y = Tensor.Allocate(new Shape(count, cols));
            k.Add(Part(1, rows, cols, at, count), Part(2, rows, cols, at, count), y);
            return [Out("y", y)];
        });
        yield return new($"GatherRows {size}", rows, 2 * n, (k, at, count) =>
        {
            using var y = Part(1, rows, cols, at, count);
            k.GatherRows(Normal(2, 11, cols), Ids(3, rows, 11, at, count), y, true);
            var sum = y.ToArray();
            k.GatherRows(Normal(2, 11, cols), Ids(3, rows, 11, at, count), y, false);
            return [new("sum", sum), Out("copy", y)];
        });
        yield return new($"ScatterAddRows {size}", rows, 3 * n, (k, at, count) =>
        {
            using var x = Normal(1, 11, cols);
            k.ScatterAddRows(Part(2, rows, cols, at, count), Ids(3, rows, 11, at, count), x);
            return [Out("x", x, false)];
        });
        foreach (var dtype in (DType[])[DType.F32, DType.BF16])
            yield return new($"Embedding {dtype} {size}", rows, 2 * n, (k, at, count) =>
            {
                using var y = Tensor.Allocate(new Shape(count, cols));
                k.Embedding(Normal(1, 13, cols, dtype), Ids(2, rows, 13, at, count), y);
                return [Out("y", y)];
            });
        yield return new($"EmbeddingBackward {size}", rows, 3 * n, (k, at, count) =>
        {
            using var table = Normal(1, 7, cols);
            k.EmbeddingBackward(Part(2, rows, cols, at, count), Ids(3, rows, 7, at, count), table, 3);
            return [Out("dtable", table, false)];
        });
        yield return new($"RmsNorm {size}", rows, 2 * n, (k, at, count) =>
        {
            using var y = Tensor.Allocate(new Shape(count, cols));
            using var scale = Tensor.Allocate(new Shape(count));
            k.RmsNorm(Part(1, rows, cols, at, count), Normal(2, 1, cols, DType.BF16), 1e-5f, y, scale);
            return [Out("y", y), Out("scale", scale)];
        });
        foreach (var accumulate in (bool[])[false, true])
            yield return new($"RmsNormBackward accumulate={accumulate} {size}", rows, 3 * n, (k, at, count) =>
            {
                using var dx = Part(1, rows, cols, at, count);
                using var dw = Normal(2, 1, cols);
                using var scale = Tensor.From([.. Enumerable.Range(0, count).Select(r => 0.5f + (at + r) % 5)], new Shape(count));
                k.RmsNormBackward(Part(3, rows, cols, at, count), Part(4, rows, cols, at, count), Normal(5, 1, cols), scale, dx, accumulate, dw);
                return [Out("dx", dx), Out("dw", dw, false)];
            });
        yield return new($"SwiGlu {size}", rows, 3 * n, (k, at, count) =>
        {
            using var y = Tensor.Allocate(new Shape(count, cols));
            k.SwiGlu(Part(1, rows, 2 * cols, at, count, 5), y);
            return [Out("y", y)];
        });
        foreach (var gate in (Gate[])[new(GateKind.SwiGlu), new(GateKind.GeluTanh), new(GateKind.ClampedSwiGlu, 1.702f, 3)])
            yield return new($"GatedUnit {gate.Kind} {size}", rows, 3 * n, (k, at, count) =>
            {
                using var y = Tensor.Allocate(new Shape(count, cols));
                k.GatedUnit(gate, Part(1, rows, 2 * cols, at, count, 5), y);
                return [Out("y", y)];
            });
        yield return new($"In place {size}", rows, 8 * n, (k, at, count) =>
        {
            using var x = Part(1, rows, cols, at, count, 3);
            k.Scale(x, 1.7f);
            var scaled = x.ToArray();
            k.AddScaled(Part(2, rows, cols, at, count), 0.7f, x);
            var sum = x.ToArray();
            k.SoftCap(x, 2);
            var capped = x.ToArray();
            k.SquaredRelu(x, x);
            return [new("scaled", scaled), new("sum", sum), new("capped", capped), Out("squared", x)];
        });
        foreach (var accumulate in (bool[])[false, true])
            yield return new($"SwiGluBackward accumulate={accumulate} {size}", rows, 5 * n, (k, at, count) =>
            {
                using var d = Part(1, rows, 2 * cols, at, count);
                k.SwiGluBackward(Part(2, rows, cols, at, count), Part(3, rows, 2 * cols, at, count, 5), d, accumulate);
                return [Out("d", d)];
            });
        yield return new($"HeadNorm {size}", rows, 2 * n, (k, at, count) =>
        {
            using var x = Part(1, rows, cols + 3, at, count);
            k.HeadNorm(x, 1, Heads(cols), Normal(2, 1, cols / Heads(cols)), 1e-5f);
            return [Out("x", x)];
        });
        foreach (var op in RecurrentOps.Of(rows, cols)) yield return op;
        if (cols % 2 == 0)
            foreach (var inverse in (bool[])[false, true])
                yield return new($"Rope inverse={inverse} {size}", rows, 2 * n, (k, at, count) =>
                {
                    using var table = new RotaryTable(RotaryTable.Default(cols / 2 * 2 / Heads(cols), 10000));
                    using var x = Part(1, rows, cols + 3, at, count);
                    k.Rope(x, 1, Heads(cols), table, Ids(2, rows, 512, at, count), inverse);
                    return [Out("x", x)];
                });
        if (cols % 4 == 0)
            yield return new($"Rope of a part, two regimes {size}", rows, 2 * n, (k, at, count) =>
            {
                var (head, rotated) = (cols / Heads(cols), cols / Heads(cols) / 2);
                double[] factors = [.. Enumerable.Range(0, rotated / 2).Select(i => 1 + 0.3 * i)];
                using var table = RotaryTable.LongRope(RotaryTable.Default(rotated, 1000), RotaryTable.Stretched(rotated, 1000, factors), 20, 1.1, head, 100);
                using var x = Part(1, rows, cols + 3, at, count);
                k.Rope(x, 1, Heads(cols), table, Ids(2, rows, 120, at, count), false);
                return [Out("x", x)];
            });
        foreach (var gradient in (bool[])[false, true])
        {
            yield return new($"CrossEntropy gradient={gradient} {size}", rows, 2 * n, (k, at, count) =>
            {
                using var z = Part(1, rows, cols, at, count, 4);
                using var losses = Tensor.Allocate(new Shape(count));
                using var hits = Tensor.Allocate(new Shape(count), DType.I32);
                using var labels = Tensor.From([.. Ids(2, rows, cols + 1, at, count).ToInt32Array().Select(i => i - 1)]);
                k.CrossEntropy(z, labels, Part(3, rows, 1, at, count).Reshape(new Shape(count)), losses, hits, gradient);
                return [Out("loss", losses), Out("hits", hits), .. gradient ? [Out("dz", z)] : (OpOutput[])[]];
            });
            foreach (var loss in (SoftLoss[])[SoftLoss.Plain, new(0.7f, 0.5f, 0.3f)])
                foreach (var dtype in (DType[])[DType.F32, DType.BF16])
                    yield return new($"SoftCrossEntropy gradient={gradient} {loss} {dtype} {size}", rows, 3 * n, (k, at, count) =>
                    {
                        using var z = Part(1, rows, cols, at, count, 4);
                        using var ce = Tensor.Allocate(new Shape(count));
                        using var acceptance = Tensor.Allocate(new Shape(count));
                        using var argmax = Tensor.Allocate(new Shape(count), DType.I32);
                        using var mass = Tensor.From([0.3f, 0.9f, 1, 0.5f, 0.7f], new Shape(5));
                        k.SoftCrossEntropy(z, Teacher(2, 5, cols, dtype), Ids(3, rows, 5, at, count), mass, loss, 0.01f, ce, acceptance, argmax, gradient);
                        return [Out("ce", ce), Out("acceptance", acceptance), Out("argmax", argmax), .. gradient ? [Out("dz", z)] : (OpOutput[])[]];
                    });
        }
        foreach (var dtype in (DType[])[DType.F32, DType.BF16])
            yield return new($"SelectedSoftmax {dtype} {size}", rows, 2 * n, (k, at, count) =>
            {
                var selected = (cols + 1) / 2;
                using var probs = Tensor.Allocate(new Shape(count, selected), dtype);
                using var argmax = Tensor.Allocate(new Shape(count), DType.I32);
                using var mass = Tensor.Allocate(new Shape(count));
                using var ids = Tensor.From([.. Enumerable.Range(0, selected).Select(i => 2 * i)]);
                k.SelectedSoftmax(Part(1, rows, cols, at, count, 4), ids, probs, argmax, mass);
                return [Out("probs", probs), Out("argmax", argmax), Out("mass", mass)];
            });
        yield return new($"Argmax {size}", rows, n, (k, at, count) =>
        {
            using var ids = Tensor.Allocate(new Shape(count), DType.I32);
            k.Argmax(Part(1, rows, cols, at, count), ids);
            using var confidence = Tensor.Allocate(new Shape(count));
            k.Confidence(Part(1, rows, cols, at, count), ids, confidence);
            return [Out("ids", ids), Out("confidence", confidence)];
        });
        foreach (var rule in (RouteRule[])[new(false, true), new(false, false), new(true, true, 1, 1, 2.5f), new(true, false, 4, 2, 1.5f)])
            if (cols % rule.Groups == 0 && cols / rule.Groups > 1 == rule.Groups > 1 || rule.Groups == 1)
                yield return new($"Route {rule} {size}", rows, n, (k, at, count) =>
                {
                    var chosen = Math.Min(3, cols);
                    using var experts = Tensor.Allocate(new Shape(count, chosen), DType.I32);
                    using var factors = Tensor.Allocate(new Shape(count, chosen));
                    k.Route(Part(1, rows, cols, at, count, 2), rule.Sigmoid ? Normal(2, 1, cols) : null, rule, experts, factors);
                    return [Out("experts", experts), Out("factors", factors)];
                });
        yield return new($"CopyHeads {size}", rows, 2 * n, (k, at, count) =>
        {
            using var y = Part(1, rows, 3 * cols + 7, at, count);
            k.CopyHeads(Part(2, rows, 2 * cols + 5, at, count), 1, cols + 1, cols, 2, y, 2, cols + 3);
            return [Out("y", y)];
        });
        foreach (var precision in (Precision[])[Precision.F32, Precision.BF16])
        {
            yield return new($"Experts {precision} {size}", rows, 3 * n, (k, at, count) =>
            {
                const int E = 7, Each = 3, Out_ = 37;
                Parameter[] weights = [.. Enumerable.Range(0, E).Select(e => new Parameter("w", Normal((uint)e, Out_, cols), precision: precision))];
                using var chosen = Tensor.Allocate(new Shape(count, Each), DType.I32);
                chosen.CopyFrom([.. Enumerable.Range(at, count).SelectMany(r => (int[])[r % 2, 2 + r % 3, 6])]);
                using var groups = new RowGroups(E, count, Each);
                groups.Sort(chosen);
                using var y = Tensor.Allocate(new Shape(count * Each + 2, Out_));
                k.ExpertLinear(Part(20, rows, cols, at, count), groups, true, weights, Normal(21, E, Out_), y);
                using var again = Tensor.Allocate(new Shape(count * Each + 2, Out_));
                Parameter[] squares = [.. Enumerable.Range(0, E).Select(e => new Parameter("w", Normal((uint)e + 30, Out_, Out_), precision: precision))];
                k.ExpertLinear(y, groups, false, squares, null, again);
                using var to = Part(22, rows, Out_, at, count);
                k.AddExperts(again, groups, Part(23, rows, Each, at, count), to);
                foreach (var w in weights.Concat(squares)) w.Dispose();
                return [Out("to", to)];
            });
            yield return new($"HeadLinear {precision} {size}", rows, 2 * n, (k, at, count) =>
            {
                Parameter[] weights = [.. Enumerable.Range(0, 3).Select(e => new Parameter("w", Normal((uint)e, 11, cols), precision: precision))];
                using var y = Part(4, rows, 3 * 13 + 1, at, count);
                k.HeadLinear(Part(5, rows, 3 * cols + 5, at, count), 1, cols + 2, weights, y, 1, 13);
                foreach (var w in weights) w.Dispose();
                return [Out("y", y)];
            });
        }
        yield return new($"AdamW {size}", rows, 8 * n, (k, at, count) =>
        {
            using var p = Part(1, rows, cols, at, count);
            using var m = Part(2, rows, cols, at, count);
            using var v = Part(3, rows, cols, at, count);
            k.Add(m, m, m);
            foreach (ref var x in v.F32) x *= x;
            using var g = Part(4, rows, cols, at, count);
            k.AdamW(p, g, m, v, 0.3f, new(1e-2, 0.9, 0.95, 1e-8, 0.1, 0.19, 0.0975));
            return [Out("p", p), Out("m", m), Out("v", v), Out("g", g)];
        });
        yield return new($"SumOfSquares {size}", rows, n, (k, at, count) => [new("sum", [(float)k.SumOfSquares(Part(1, rows, cols, at, count))], false)]);
        foreach (var precision in (Precision[])[Precision.F32, Precision.BF16])
            foreach (var accumulate in (bool[])[false, true])
                yield return new($"Linear {precision} accumulate={accumulate} {size}", rows, n, (k, at, count) =>
                {
                    const int Out_ = 19;
                    using var w = new Parameter("w", Normal(1, Out_, cols + 5), true, precision);
                    using var bias = Normal(2, 1, Out_);
                    using var y = Part(3, rows, Out_, at, count);
                    using var dx = Part(4, rows, cols, at, count);
                    using var dbias = Normal(5, 1, Out_);
                    using var x = Part(6, rows, cols, at, count);
                    using var dy = Part(7, rows, Out_, at, count);
                    k.Linear(x, w.Columns(2, cols), bias, y, accumulate);
                    k.LinearBackwardInput(dy, w.Columns(2, cols), dx, accumulate);
                    k.LinearBackwardWeight(dy, x, w.Columns(2, cols), dbias);
                    return [Out("y", y), Out("dx", dx), Out("dw", w.Gradient!, false), Out("dbias", dbias, false)];
                });
    }

    static int Heads(int cols) => cols % 64 == 0 ? cols / 64 : 1;

    internal static OpOutput Out(string name, Tensor t, bool rows = true)
        => new(name, t.DType == DType.I32 ? [.. t.ToInt32Array().Select(i => (float)i)] : t.ToArray(), rows);

    static readonly ConcurrentDictionary<(uint Seed, int Rows, int Cols), float[]> Drawn = new();

    internal static Tensor Normal(uint seed, int rows, int cols, DType dtype = DType.F32, float deviation = 1) => Part(seed, rows, cols, 0, rows, deviation, dtype);

    internal static Tensor Part(uint seed, int rows, int cols, int at, int count, float deviation = 1, DType dtype = DType.F32)
    {
        var all = Drawn.GetOrAdd((seed, rows, cols), key =>
        {
            var random = new CounterRandom(7, "op case", key.Seed);
            return [.. Enumerable.Range(0, key.Rows * key.Cols).Select(i => random.Normal((ulong)i))];
        });
        var part = Tensor.Allocate(new Shape(count, cols), dtype);
        part.CopyFrom([.. all.AsSpan(at * cols, count * cols).ToArray().Select(x => x * deviation)]);
        return part;
    }

    static Tensor Ids(uint seed, int rows, int below, int at, int count)
    {
        var random = new CounterRandom(7, "op case ids", seed);
        return Tensor.From([.. Enumerable.Range(at, count).Select(i => random.Below((ulong)i, below))]);
    }

    static Tensor Teacher(uint seed, int rows, int cols, DType dtype)
    {
        using var logits = Normal(seed, rows, cols, DType.F32, 4);
        using var ids = Tensor.From([.. Enumerable.Range(0, cols)]);
        using var argmax = Tensor.Allocate(new Shape(rows), DType.I32);
        var probs = Tensor.Allocate(new Shape(rows, cols), dtype);
        Kernels.Reference.SelectedSoftmax(logits, ids, probs, argmax, null);
        return probs;
    }
}
