// Many independent things by all threads, with the results in the order of the things: the same for any number of threads.
using System.Runtime.ExceptionServices;
using Aerie.Tensors.Cpu;

namespace Aerie.Text;

static class InOrder
{
    /// <summary>The function's values. Of several errors the one of the first item is thrown.</summary>
    internal static TOut[] Map<TIn, TOut>(IReadOnlyList<TIn> items, Func<TIn, TOut> function)
    {
        var body = new Body<TIn, TOut>(items, function, new TOut[items.Count], new ExceptionDispatchInfo?[items.Count]);
        Threads.For(items.Count, ref body);
        foreach (var problem in body.Problems) problem?.Throw();
        return body.Results;
    }

    readonly record struct Body<TIn, TOut>(IReadOnlyList<TIn> Items, Func<TIn, TOut> Function, TOut[] Results, ExceptionDispatchInfo?[] Problems) : IParallelBody
    {
        public void Invoke(int begin, int end)
        {
            for (var i = begin; i < end; i++)
            {
                try
                {
                    Results[i] = Function(Items[i]);
                }
                catch (Exception problem)
                {
                    Problems[i] = ExceptionDispatchInfo.Capture(problem);
                }
            }
        }
    }
}
