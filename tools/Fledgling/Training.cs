// The training run: AdamW over batches drawn on the fly, warm-up and cosine decay over the run's steps or minutes.
using System.Diagnostics;
using Aerie.Tensors;
using Aerie.Text;

namespace Aerie.Fledgling;

internal sealed record TrainingPlan(ulong Seed, int Steps, double Minutes)
{
    public const double PeakRate = 3e-3, LastRate = 0.02, ClipNorm = 1.0;
    public const int WarmUp = 60, BatchTokens = 1024;

    /// <summary>How much of the run is done, 0 to 1: by steps if they are given, by the clock otherwise.</summary>
    public double Progress(int step, TimeSpan elapsed) => Steps > 0 ? (double)step / Steps : elapsed.TotalMinutes / Minutes;

    public static double Rate(int step, double progress) =>
        PeakRate * Math.Min(1, (step + 1.0) / WarmUp) * (LastRate + (1 - LastRate) * 0.5 * (1 + Math.Cos(Math.PI * Math.Min(1, progress))));
}

internal static class Training
{
    static readonly TimeSpan SaveEvery = TimeSpan.FromMinutes(3);

    /// <summary>Trains, writes model.safetensors into <paramref name="folder"/> now and then and at the end, and returns the log.</summary>
    public static TrainingLog Run(string folder, Tokenizer tokenizer, TrainingPlan plan)
    {
        using var model = new FledglingModel(plan.Seed);
        using var optimizer = new AdamW(Kernels.Cpu, model.Parameters, new AdamWSettings(0.9, 0.98, 1e-8, 0.02));
        using var tape = new Tape(Kernels.Cpu);
        var corpus = new Corpus(Side.Training, plan.Seed);
        var log = new TrainingLog();
        var clock = Stopwatch.StartNew();
        TimeSpan saved = clock.Elapsed;
        Document? left = null;
        for (int step = 0; plan.Progress(step, clock.Elapsed) is var progress && progress < 1; step++)
        {
            Batch batch = Batch.Pack(Draw(corpus, tokenizer, ref left));
            (double loss, int hits) = model.Learn(tape, batch);
            tape.Reset();
            double norm = optimizer.GradientNorm(1), rate = TrainingPlan.Rate(step, progress);
            if (!double.IsFinite(norm) || !double.IsFinite(loss))
                throw new AerieException($"step {step}: loss {loss}, gradient norm {norm} ({optimizer.FirstNonFinite()})", "the last saved weights are kept");
            optimizer.Update(rate, norm, 1, TrainingPlan.ClipNorm);
            log.Add(step, loss, (double)hits / batch.Ids.Length, norm, rate, batch.Ids.Length, clock.Elapsed);
            if (clock.Elapsed - saved > SaveEvery)
            {
                model.Write(folder);
                saved = clock.Elapsed;
            }
        }
        model.Write(folder);
        log.Finish();
        return log;
    }

    /// <summary>Documents up to the size of a batch; the one that did not fit opens the next.</summary>
    static List<Document> Draw(Corpus corpus, Tokenizer tokenizer, ref Document? left)
    {
        var documents = new List<Document>();
        int rows = 0;
        while (true)
        {
            Document next = left ?? Document.Of(corpus.Next(), tokenizer);
            left = null;
            if (rows + next.Ids.Length > TrainingPlan.BatchTokens)
            {
                left = next;
                return documents;
            }
            documents.Add(next);
            rows += next.Ids.Length;
        }
    }
}
