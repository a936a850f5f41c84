// Benchmarks: `dotnet run -c Release --project benchmarks/Aerie.Benchmarks -- VERB`. Tables for people, the last line for machines (JSON).
using Aerie.Benchmarks;

return args switch
{
    ["gemm", ..] => GemmBenchmark.Run(args[1..]),
    ["attention", ..] => AttentionBenchmark.Run(args[1..]),
    ["train-step", ..] => TrainStepBenchmark.Run(args[1..]),
    ["ops", ..] => OpsBenchmark.Run(args[1..]),
    ["step", ..] => StepBenchmark.Run(args[1..]),
    ["decode", ..] => DecodeBenchmark.Run(args[1..]),
    ["mamba", ..] => MambaBenchmark.Run(args[1..]),
    ["tokenizer", ..] => TokenizerBenchmark.Run(args[1..]),
    ["llama.cpp", ..] => LlamaCppBenchmark.Run(args[1..]),
    ["load", ..] => LoadBenchmark.Run(args[1..]),
    ["prefill", ..] => PrefillBenchmark.Run(args[1..]),
    ["experts", ..] => ExpertsBenchmark.Run(args[1..]),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: Aerie.Benchmarks gemm|attention|ops|step|decode|prefill|tokenizer|load|llama.cpp|experts|mamba [--quick] [--rounds N]");
    return 2;
}
