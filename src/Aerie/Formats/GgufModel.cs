// A GGUF model: one file, or the parts that llama.cpp's gguf-split made of it: NAME-00001-of-00003.gguf ..., the keys in the first, the tensors in any.
using System.Globalization;
using System.Text.RegularExpressions;

namespace Aerie.Formats;

/// <summary>The keys and tensors of a model in one or several files.</summary>
sealed partial class GgufModel : IDisposable
{
    const int MostParts = 1000;

    readonly List<GgufFile> parts = [];
    readonly Dictionary<string, (GgufFile File, GgufTensor Tensor)> tensors = [];

    /// <summary>Opens a file and, if it is a part, all the others beside it.</summary>
    /// <exception cref="AerieException">A file is missing or not valid, parts do not belong together, or a tensor's type is not supported.</exception>
    internal static GgufModel Open(string path)
    {
        var model = new GgufModel();
        try
        {
            model.Read(path);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>The file with the keys.</summary>
    internal GgufFile Keys => parts[0];

    internal IReadOnlyList<GgufFile> Parts => parts;

    internal IReadOnlyCollection<string> Names => tensors.Keys;

    internal IEnumerable<GgufTensor> Tensors => tensors.Values.Select(t => t.Tensor);

    internal GgufTensor? Find(string name) => tensors.GetValueOrDefault(name).Tensor;

    /// <summary>Bytes of a tensor, from byte <paramref name="from"/> of it on.</summary>
    internal ReadOnlySpan<byte> Bytes(GgufTensor tensor, long from, int count) => tensors[tensor.Name].File.Bytes(tensor, from, count);

    /// <summary>Ends all mappings.</summary>
    public void Dispose() => parts.ForEach(part => part.Dispose());

    void Read(string path)
    {
        var name = PartName().Match(path);
        var (number, of) = name.Success ? (Number(name.Groups[2]), Number(name.Groups[3])) : (1, 1);
        if (name.Success && (number < 1 || number > of || of > MostParts)) throw new AerieException($"{path}: part {number} of {of} is not possible");
        for (var i = 1; i <= of; i++)
        {
            var part = of == 1 ? path : string.Create(CultureInfo.InvariantCulture, $"{name.Groups[1].Value}-{i:00000}-of-{of:00000}.gguf");
            if (!File.Exists(part) && i != number) throw new AerieException($"{part}: no such file, and {path} is one of {of} parts", "Put all parts into one folder.");
            parts.Add(GgufFile.Open(part));
            CheckPart(parts[^1], i - 1, of);
        }
        foreach (var part in parts)
            foreach (var tensor in part.Tensors)
                if (!tensors.TryAdd(tensor.Name, (part, tensor))) throw part.Bad($"tensor '{tensor.Name}' is in {tensors[tensor.Name].File.Path} too");
        if (Keys.Whole("split.tensors.count") is { } count && count != tensors.Count) throw Keys.Bad($"split.tensors.count is {count}, the parts have {tensors.Count} tensors");
        var refused = Tensors.Where(t => t.Type.Expand is null).GroupBy(t => t.Type.Name).ToList();
        if (refused.Count > 0)
            throw Keys.Bad($"tensors of types that are not supported: {string.Join(", ", refused.Select(g => $"{g.Key} ({g.Count()}, such as {g.First().Name})"))}",
                $"Supported: {GgufType.Supported}. Most models are offered as Q8_0, Q4_K_M or F16 too.");
    }

    static void CheckPart(GgufFile part, int index, int of)
    {
        var (count, number) = (part.Whole("split.count") ?? 1, part.Whole("split.no") ?? 0);
        if (count == of && number == index) return;
        throw part.Bad(of == 1 ? $"is part {number + 1} of {count}" : $"says that it is part {number + 1} of {count}, its name says {index + 1} of {of}",
            "Give a part by the name that it was made with, NAME-00001-of-00003.gguf, and all parts beside it.");
    }

    static int Number(Group digits) => int.Parse(digits.ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^(.*)-([0-9]{5})-of-([0-9]{5})\.gguf$", RegexOptions.Singleline)]
    private static partial Regex PartName();
}
