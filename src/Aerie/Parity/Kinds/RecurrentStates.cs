// Part of kind `model`: what recurrent layers remember after the prompt. `ssm_state.{i}` [B, h, P, N]; `conv_state.{i}` [B, channels, K], the last K raw columns, zeros where the text is shorter.
using Aerie.Formats;
using Aerie.Targets;
using Aerie.Tensors;

namespace Aerie.Parity.Kinds;

static class RecurrentStates
{
    /// <param name="folder">The case.</param>
    /// <param name="target">Its target.</param>
    /// <param name="cache">The cache after the prompts, which cannot roll back: so all tokens are in the states.</param>
    /// <param name="texts">The prompts.</param>
    /// <param name="named">The name in the case.</param>
    /// <param name="expected">The recorded tensors.</param>
    internal static IEnumerable<ParityResult> Compare(CaseFolder folder, Target target, KeyValueCache cache, int[][] texts, Func<string, string> named, SafetensorsFolder expected)
    {
        if (!Enumerable.Range(0, target.Config.Layers).Any(i => expected.Contains(named($"ssm_state.{i}")))) yield break;
        if (cache.Recurrent is not { } states)
        {
            yield return ParityResult.Wrong("ssm_state.*", "the target has no recurrence");
            yield break;
        }
        // The convolution needs K - 1 raw rows; a cache that can forget one token keeps K.
        using var work = new TargetWorkspace(texts.Sum(t => t.Length), 1);
        using var rows = new PassRows(work.Capacity);
        using var one = target.NewCacheWithRollback(1, [.. texts.Select(t => t.Length)]);
        for (var i = 0; i < texts.Length; i++) rows.Add(one.Sequences[i], texts[i]);
        target.Forward(rows, one, work);
        for (var i = 0; i < target.Config.Layers; i++)
        {
            if (!expected.Contains(named($"ssm_state.{i}"))) continue;
            if (expected.Get(named($"ssm_state.{i}")).Shape is not [_, var heads, var size, var n] || expected.Get(named($"conv_state.{i}")).Shape is not [_, var channels, var taps])
                throw new AerieException($"{folder.Path}: ssm_state.{i} should have four dimensions, conv_state.{i} three");
            var sequences = Enumerable.Range(0, texts.Length);
            yield return folder.Compare(named($"ssm_state.{i}"), [.. sequences.SelectMany(b => Turned(states.Layer(i).State.Slice(b, 1).ToArray(), (int)heads, (int)n, (int)size))], expected.ReadFloat32(named($"ssm_state.{i}")));
            yield return folder.Compare(named($"conv_state.{i}"), [.. sequences.SelectMany(b => Columns(one.Recurrent!.Layer(i).Past.Slice(b, 1), (int)taps, (int)channels))], expected.ReadFloat32(named($"conv_state.{i}")));
        }
    }

    /// <summary>[outer, rows, cols] as [outer, cols, rows].</summary>
    static float[] Turned(float[] x, int outer, int rows, int cols)
    {
        var y = new float[x.Length];
        for (var o = 0; o < outer && x.Length == outer * rows * cols; o++)
            for (var r = 0; r < rows; r++)
                for (var c = 0; c < cols; c++) y[(o * cols + c) * rows + r] = x[(o * rows + r) * cols + c];
        return y;
    }

    /// <summary>The first columns of rows [1, taps, width], as [channels, taps].</summary>
    static float[] Columns(Tensor past, int taps, int channels)
    {
        var (all, width) = (past.ToArray(), past.Cols);
        return past.Shape[1] != taps || width < channels ? [] : Turned([.. Enumerable.Range(0, taps).SelectMany(r => all.AsSpan(r * width, channels).ToArray())], 1, taps, channels);
    }
}
