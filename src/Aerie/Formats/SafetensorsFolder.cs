// A checkpoint's tensors under one view: one safetensors file, or the shards that model.safetensors.index.json names.
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Aerie.Tensors;

namespace Aerie.Formats;

/// <summary>The tensors of a checkpoint: of a single file or of shards. Nothing is read before it is asked for.</summary>
public sealed class SafetensorsFolder : IDisposable
{
    /// <summary>The name of a single-file checkpoint.</summary>
    public const string SingleFile = "model.safetensors";

    /// <summary>The name of the list of shards.</summary>
    public const string IndexFile = "model.safetensors.index.json";

    readonly List<SafetensorsFile> files = [];
    readonly Dictionary<string, (SafetensorsFile File, SafetensorsEntry Entry)> tensors = [];

    SafetensorsFolder(string path) => Path = path;

    /// <summary>Opens a checkpoint folder, one safetensors file, or an index of shards.</summary>
    /// <exception cref="AerieException">There is no such checkpoint, or a file of it is not valid.</exception>
    public static SafetensorsFolder Open(string path)
    {
        if (Directory.Exists(path))
        {
            var (single, index) = (System.IO.Path.Combine(path, SingleFile), System.IO.Path.Combine(path, IndexFile));
            path = File.Exists(single) ? single
                : File.Exists(index) ? index
                : throw new AerieException($"{path}: has neither {SingleFile} nor {IndexFile}", "Give the folder of a Hugging Face checkpoint in safetensors format.");
        }
        var folder = new SafetensorsFolder(path);
        try
        {
            if (path.EndsWith(".json", StringComparison.Ordinal)) folder.AddShards();
            else folder.Add(path);
            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>The file or index that was opened.</summary>
    public string Path { get; }

    /// <summary>The names of all tensors.</summary>
    public IReadOnlyCollection<string> Names => tensors.Keys;

    /// <summary>The entries (name, dtype, shape) of all tensors.</summary>
    public IEnumerable<SafetensorsEntry> Entries => tensors.Values.Select(t => t.Entry);

    /// <summary>The strings of the first file's <c>__metadata__</c>; null when it has none.</summary>
    public IReadOnlyDictionary<string, string>? Metadata => files.Count > 0 ? files[0].Metadata : null;

    /// <summary>Is there such a tensor?</summary>
    public bool Contains(string name) => tensors.ContainsKey(name);

    /// <summary>The entry of a tensor, if it is there.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out SafetensorsEntry? entry)
    {
        entry = tensors.GetValueOrDefault(name).Entry;
        return entry is not null;
    }

    /// <summary>The entry of a tensor that must be there.</summary>
    /// <exception cref="AerieException">It is not.</exception>
    public SafetensorsEntry Get(string name) => Find(name).Entry;

    /// <summary>The bytes of a tensor (little endian, not aligned), valid until <see cref="Dispose"/>.</summary>
    /// <exception cref="AerieException">There is no such tensor.</exception>
    public ReadOnlySpan<byte> Bytes(string name)
    {
        var (file, entry) = Find(name);
        return file.Bytes(entry);
    }

    /// <summary><paramref name="count"/> bytes of a tensor from byte <paramref name="from"/> of it on.</summary>
    public ReadOnlySpan<byte> Bytes(string name, long from, int count)
    {
        var (file, entry) = Find(name);
        return file.Bytes(entry, from, count);
    }

    /// <summary>A bf16 or f32 tensor where it lies in the mapped file, valid until <see cref="Dispose"/>, not to be written to; null where its type is another or its bytes are not aligned.</summary>
    public Tensor? View(string name, Shape shape)
    {
        var (file, entry) = Find(name);
        return file.View(entry, shape);
    }

    /// <summary>A tensor's bytes are not needed soon: they need not stay in the process's memory.</summary>
    public void Forget(string name)
    {
        var (file, entry) = Find(name);
        file.Forget(entry);
    }

    /// <summary>Reads a floating-point tensor (F64, F32, F16, BF16, F8) of exactly <c>to.Length</c> elements as float32.</summary>
    /// <exception cref="AerieException">There is no such tensor, it is of another size, or of whole numbers.</exception>
    public void ReadFloat32(string name, Span<float> to)
    {
        var (file, entry) = Find(name);
        if (!entry.Type.IsFloat()) throw new AerieException($"{file.Path}: tensor {entry} should hold floating-point numbers");
        if (entry.Count != to.Length) throw new AerieException($"{file.Path}: tensor {entry} has {entry.Count} elements, {to.Length} are needed", "The weights do not fit the config.");
        const int piece = 1 << 20;                             // elements; keeps a tensor above 2 GiB within a span
        var size = entry.Type.ByteSize();
        for (var start = 0; start < to.Length; start += piece)
        {
            var part = to.Slice(start, Math.Min(piece, to.Length - start));
            entry.Type.Widen(file.Bytes(entry, (long)start * size, part.Length * size), part);
        }
    }

    /// <summary>A floating-point tensor as a new float32 array, row-major.</summary>
    public float[] ReadFloat32(string name)
    {
        var values = new float[Find(name).Entry.Count];
        ReadFloat32(name, values);
        return values;
    }

    /// <summary>Ends all mappings.</summary>
    public void Dispose() => files.ForEach(file => file.Dispose());

    (SafetensorsFile File, SafetensorsEntry Entry) Find(string name) => tensors.TryGetValue(name, out var tensor) ? tensor
        : throw new AerieException($"{Path}: has no tensor '{name}'", "The weights do not fit the config, or the checkpoint is of another architecture.");

    SafetensorsFile Add(string path)
    {
        var file = SafetensorsFile.Open(path);
        files.Add(file);
        foreach (var entry in file.Entries.Values)
        {
            if (!tensors.TryAdd(entry.Name, (file, entry))) throw new AerieException($"{path}: tensor '{entry.Name}' is in {tensors[entry.Name].File.Path} too");
        }
        return file;
    }

    void AddShards()
    {
        var map = ReadIndex();
        var folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path))!;
        var shards = map.Values.Distinct().Order(StringComparer.Ordinal).ToDictionary(name => name, name => Add(Shard(System.IO.Path.Combine(folder, name))));
        foreach (var (name, shard) in map)
        {
            if (!shards[shard].Entries.ContainsKey(name)) throw new AerieException($"{Path}: tensor '{name}' is not in {shard}", "A shard is missing or of another checkpoint.");
        }
        foreach (var name in tensors.Keys.Where(name => !map.ContainsKey(name)))
            throw new AerieException($"{Path}: does not list tensor '{name}' of {tensors[name].File.Path}", "A shard is of another checkpoint.");
    }

    string Shard(string path) => File.Exists(path) ? path
        : throw new AerieException($"{path}: is not there, and {System.IO.Path.GetFileName(Path)} names it", "A shard is missing: get it, or the whole checkpoint again.");

    Dictionary<string, string> ReadIndex()
    {
        using var document = JsonFile.Read(Path, SafetensorsHeader.LargestHeader);
        if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("weight_map", out var list) || list.ValueKind != JsonValueKind.Object)
            throw new AerieException($"{Path}: has no weight_map");
        var map = new Dictionary<string, string>();
        foreach (var item in list.EnumerateObject())
        {
            var file = item.Value.ValueKind == JsonValueKind.String ? item.Value.GetString()! : throw new AerieException($"{Path}: the file of tensor '{item.Name}' is not a string");
            // Plain names only: an index must not lead out of its folder.
            if (file is "" or "." or ".." || file.AsSpan().IndexOfAny("/\\:\0") >= 0) throw new AerieException($"{Path}: '{file.Replace("\0", "\\0")}' is not the name of a file in this folder");
            if (!map.TryAdd(item.Name, file)) throw new AerieException($"{Path}: tensor '{item.Name}' is listed twice");
        }
        return map;
    }
}
