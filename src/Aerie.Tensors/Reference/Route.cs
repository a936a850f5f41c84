namespace Aerie.Tensors.Reference;

sealed partial class ReferenceKernels
{
    public void Route(Tensor logits, Tensor? bias, RouteRule rule, Tensor experts, Tensor factors)
    {
        rule.CheckShapes(logits, bias, experts, factors);
        var (count, k, size) = (logits.Cols, experts.Cols, logits.Cols / rule.Groups);
        for (var r = 0; r < logits.Rows; r++)
        {
            var z = logits.Row(r).ToArray();
            var largest = z.Length == 0 ? 0.0 : z.Max();
            var score = Array.ConvertAll(z, x => rule.Sigmoid ? 1 / (1 + Math.Exp(-(double)x)) : Math.Exp(x - largest));
            if (!rule.Sigmoid)
            {
                var total = score.Sum();
                score = Array.ConvertAll(score, s => s / total);
            }
            var choice = score.Select((s, e) => !rule.Sigmoid ? z[e] : s + (bias is null ? 0 : bias.F32[e])).ToArray();
            var kept = Enumerable.Range(0, rule.Groups)
                .OrderByDescending(g => rule.Groups == 1 ? 0 : choice.Skip(g * size).Take(size).OrderDescending().Take(2).Sum()).Take(rule.GroupsKept).ToHashSet();   // a stable order
            var chosen = Enumerable.Range(0, count).Where(e => kept.Contains(e / size)).OrderByDescending(e => choice[e]).Take(k).Order().ToArray();
            var sum = !rule.Normalize ? 1 : chosen.Sum(e => score[e]) + (rule.Sigmoid ? 1e-20 : 0);
            for (var i = 0; i < k; i++)
            {
                experts.I32[r * k + i] = chosen[i];
                factors.F32[r * k + i] = (float)(score[chosen[i]] / sum * rule.Scale);
            }
        }
    }
}
