namespace Aerie.Tensors.Reference;

sealed partial class ReferenceKernels
{
    public void Attention(HeadLayout layout, Tensor q, Tensor k, Tensor v, Tensor intervals, ReadOnlySpan<ChainKeys> chain, Tensor y, Tensor? logSumExp, Tensor? sinks = null)
    {
        var d = layout.HeadSize;
        for (var r = 0; r < q.Rows; r++)
            for (var h = 0; h < layout.Heads; h++)
            {
                var keys = Keys(layout, k, v, intervals, chain, r, h);
                var query = q.Row(r).Slice(layout.QueryColumn + h * d, d).ToArray();
                var scores = keys.Select(key => Dot(query, key.K.Row(key.Row).Slice(key.KeyColumn, d)) * layout.Scale).ToArray();
                if (layout.SoftCap != 0) scores = [.. scores.Select(s => layout.SoftCap * Math.Tanh(s / layout.SoftCap))];
                double[] logits = sinks is null ? scores : [.. scores, sinks.F32[h]];
                var max = logits.Length == 0 ? 0 : logits.Max();
                var sum = logits.Sum(s => Math.Exp(s - max));
                if (logSumExp is not null) logSumExp.Row(r)[h] = (float)(max + Math.Log(sum));
                for (var i = 0; i < d; i++)
                {
                    double value = 0;
                    for (var j = 0; j < keys.Count; j++)
                        value += Math.Exp(scores[j] - max) / sum * keys[j].V.Row(keys[j].Row)[keys[j].ValueColumn + i];
                    y.Row(r)[h * d + i] = (float)value;
                }
            }
    }

    public void AttentionBackward(HeadLayout layout, Tensor dy, Tensor q, Tensor k, Tensor v, Tensor intervals, ReadOnlySpan<ChainKeys> chain,
        Tensor y, Tensor logSumExp, Tensor dq, Tensor dk, Tensor dv, ReadOnlySpan<Tensor> chainGradients)
    {
        Check.That(layout.SoftCap == 0, $"scores capped at {layout.SoftCap} have no backward pass");
        var d = layout.HeadSize;
        for (var r = 0; r < q.Rows; r++)
            for (var h = 0; h < layout.Heads; h++)
            {
                var keys = Keys(layout, k, v, intervals, chain, r, h);
                var interval = keys.Count - chain.Length;
                var query = q.Row(r).Slice(layout.QueryColumn + h * d, d);
                var gradient = dy.Row(r).Slice(h * d, d);
                var delta = Dot(gradient, y.Row(r).Slice(h * d, d));
                for (var j = 0; j < keys.Count; j++)
                {
                    var (kt, vt, row, keyColumn, valueColumn) = keys[j];
                    var (dkt, dvt) = j < interval ? (dk, dv) : (chainGradients[j - interval], chainGradients[j - interval]);
                    var key = kt.Row(row).Slice(keyColumn, d);
                    var p = Math.Exp(Dot(query, key) * layout.Scale - logSumExp.Row(r)[h]);
                    var ds = p * (Dot(gradient, vt.Row(row).Slice(valueColumn, d)) - delta) * layout.Scale;
                    for (var i = 0; i < d; i++)
                    {
                        dq.Row(r)[layout.QueryColumn + h * d + i] += (float)(ds * key[i]);
                        dkt.Row(row)[keyColumn + i] += (float)(ds * query[i]);
                        dvt.Row(row)[valueColumn + i] += (float)(p * gradient[i]);
                    }
                }
            }
    }

    static List<(Tensor K, Tensor V, int Row, int KeyColumn, int ValueColumn)> Keys(
        HeadLayout layout, Tensor k, Tensor v, Tensor intervals, ReadOnlySpan<ChainKeys> chain, int r, int h)
    {
        var head = h / (layout.Heads / layout.KeyHeads) * layout.HeadSize;
        var (keyColumn, valueColumn) = (layout.KeyColumn + head, layout.ValueColumn + head);
        List<(Tensor, Tensor, int, int, int)> keys = [];
        for (var j = intervals.I32[2 * r]; j < intervals.I32[2 * r + 1]; j++) keys.Add((k, v, j, keyColumn, valueColumn));
        foreach (var link in chain) keys.Add((link.KeysAndValues, link.KeysAndValues, link.Rows.I32[r], keyColumn, valueColumn));
        return keys;
    }

    static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (var i = 0; i < a.Length; i++) sum += (double)a[i] * b[i];
        return sum;
    }
}
