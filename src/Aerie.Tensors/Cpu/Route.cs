// A row is a thousand comparisons and E exponentials, nothing beside the experts' products: plain floats, so that every width chooses the same.
namespace Aerie.Tensors.Cpu;

sealed unsafe partial class CpuKernels<V>
{
    public void Route(Tensor logits, Tensor? bias, RouteRule rule, Tensor experts, Tensor factors)
    {
        rule.CheckShapes(logits, bias, experts, factors);
        var body = new RouteBody
        {
            Z = logits.Floats, Bias = bias is null ? null : bias.Floats, Rule = rule, Experts = (int*)experts.Address, Factors = factors.Floats, Count = logits.Cols, K = experts.Cols,
        };
        Threads.For(logits.Rows, ref body, Math.Max(1, 2048 / Math.Max(1, logits.Cols)));
    }

    struct RouteBody : IParallelBody
    {
        public float* Z, Bias, Factors;
        public int* Experts;
        public RouteRule Rule;
        public int Count, K;

        public readonly void Invoke(int begin, int end)
        {
            if (K == 0) return;
            using var scratch = new ScratchFloats(2L * Count + 2L * Rule.GroupsKept + K);
            for (var r = begin; r < end; r++) Row(Z + (long)r * Count, scratch.Floats, Experts + (long)r * K, Factors + (long)r * K);
        }

        readonly void Row(float* z, float* score, int* experts, float* factors)
        {
            float* choice = score + Count, best = choice + Count, groupBest = best + K;
            var groups = (int*)(groupBest + Rule.GroupsKept);
            var largest = z[0];
            for (var e = 1; e < Count; e++) largest = Math.Max(largest, z[e]);
            float total = 0;
            for (var e = 0; e < Count; e++)
            {
                score[e] = Rule.Sigmoid ? 1 / (1 + MathF.Exp(-z[e])) : MathF.Exp(z[e] - largest);
                choice[e] = !Rule.Sigmoid ? z[e] : Bias == null ? score[e] : score[e] + Bias[e];
                total += score[e];
            }

            var (size, taken) = (Count / Rule.Groups, 0);
            if (Rule.Groups == 1)
            {
                for (var e = 0; e < Count; e++) Offer(e, choice[e], experts, best, K, ref taken);
            }
            else
            {
                var kept = 0;
                for (var g = 0; g < Rule.Groups; g++) Offer(g, TopTwo(choice + g * size, size), groups, groupBest, Rule.GroupsKept, ref kept);
                new Span<int>(groups, kept).Sort();
                for (var i = 0; i < kept; i++)
                    for (var e = groups[i] * size; e < (groups[i] + 1) * size; e++) Offer(e, choice[e], experts, best, K, ref taken);
            }

            new Span<int>(experts, K).Sort();
            float sum = Rule.Sigmoid ? 1e-20f : 0;
            for (var i = 0; i < K; i++) sum += score[experts[i]];
            if (!Rule.Normalize) sum = Rule.Sigmoid ? 1 : total;
            for (var i = 0; i < K; i++) factors[i] = score[experts[i]] / sum * Rule.Scale;
        }

        /// <summary>Puts a value into the sorted list of the best; of equals the one offered first stays before. (A NaN takes a place only while there are free ones.)</summary>
        static void Offer(int index, float value, int* indices, float* values, int most, ref int taken)
        {
            if (taken == most && !(value > values[most - 1])) return;
            var at = taken < most ? taken++ : most - 1;
            for (; at > 0 && value > values[at - 1]; at--) (values[at], indices[at]) = (values[at - 1], indices[at - 1]);
            (values[at], indices[at]) = (value, index);
        }

        static float TopTwo(float* values, int count)
        {
            float first = Math.Max(values[0], values[1]), second = Math.Min(values[0], values[1]);
            for (var i = 2; i < count; i++)
            {
                if (values[i] > first) (first, second) = (values[i], first);
                else if (values[i] > second) second = values[i];
            }
            return first + second;
        }
    }
}
