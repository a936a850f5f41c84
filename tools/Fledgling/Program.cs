// Makes the embedded target: `dotnet run -c Release --project tools/Fledgling -- make --out assets/fledgling`.
using Aerie.Fledgling;

var corpus = new Corpus(Side.Training, 1);
for (int i = 0; i < 36; i++)
{
    Example example = corpus.Next();
    Console.WriteLine($"[{example.Domain}] {example.Prompt}\n---> {example.Answer}\n");
}
