// A golden case: a folder with `case.json` (kind, parameters, tolerance) and the files it names.
using System.Text.Json;
using Aerie.Formats;

namespace Aerie.Parity;

/// <summary>A golden case, read. Kinds take their parameters and files from it and compare through it.</summary>
public sealed class CaseFolder
{
    const long MaxBytes = 64 << 20;

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>What is computed: <c>model</c>, <c>eagle3_step</c>, ...</summary>
    public string Kind { get; }

    /// <summary>The whole of case.json.</summary>
    public JsonElement Root { get; }

    /// <summary><c>parameters</c> of case.json (an empty object if there are none).</summary>
    public JsonElement Parameters { get; }

    /// <summary>Differences are printed and never fail.</summary>
    public bool Advisory { get; }

    readonly ToleranceRules tolerance;

    /// <summary>Reads <c>case.json</c> of a folder.</summary>
    public CaseFolder(string path)
    {
        Path = path;
        var file = System.IO.Path.Combine(path, "case.json");
        Root = ReadJson("case.json");
        if (Root.ValueKind != JsonValueKind.Object) throw new AerieException($"{file}: a case must be a JSON object.");
        Kind = Root.TryGetProperty("kind", out var kind) && kind.ValueKind == JsonValueKind.String ? kind.GetString()!
            : throw new AerieException($"{file}: `kind` is missing.", "A case says what it is: {\"kind\": \"model\", ...}.");
        Parameters = Root.TryGetProperty("parameters", out var parameters) ? parameters : JsonDocument.Parse("{}").RootElement;
        if (Parameters.ValueKind != JsonValueKind.Object) throw new AerieException($"{file}: `parameters` must be an object.");
        Advisory = Flag("advisory") || (Root.TryGetProperty("advisory", out var top) && top.ValueKind == JsonValueKind.True);
        tolerance = Root.TryGetProperty("tolerance", out var rules) ? ToleranceRules.Read(rules, file) : new ToleranceRules();
    }

    /// <summary>The path of a file of the case; an error if it is not there or leaves the folder.</summary>
    public string File(string name)
    {
        var root = System.IO.Path.GetFullPath(Path) + System.IO.Path.DirectorySeparatorChar;
        var full = System.IO.Path.GetFullPath(System.IO.Path.Combine(root, name));
        if (!full.StartsWith(root, StringComparison.Ordinal)) throw new AerieException($"{Path}: `{name}` leads out of the case's folder.");
        if (!System.IO.File.Exists(full) && !Directory.Exists(full)) throw new AerieException($"{Path}: the case needs `{name}`, which is not there.");
        return full;
    }

    /// <summary>Is there a file or folder of this name in the case?</summary>
    public bool Has(string name) => System.IO.Path.Combine(Path, name) is var p && (System.IO.File.Exists(p) || Directory.Exists(p));

    /// <summary>A JSON file of the case.</summary>
    public JsonElement ReadJson(string name)
    {
        var file = File(name);
        if (new FileInfo(file).Length > MaxBytes) throw new AerieException($"{file}: larger than {MaxBytes >> 20} MB; this is no case.");
        try
        {
            return JsonDocument.Parse(System.IO.File.ReadAllBytes(file)).RootElement;
        }
        catch (JsonException e)
        {
            throw new AerieException($"{file}: not JSON: {JsonFault.Words(e)}", inner: e);
        }
    }

    /// <summary>A whole number of the parameters.</summary>
    public int Int(string key) => OptionalInt(key) ?? throw Missing(key, "a whole number");

    /// <summary>A whole number of the parameters, null where it is absent or null.</summary>
    public int? OptionalInt(string key) => !Find(key, out var v) ? null
        : v.ValueKind == JsonValueKind.Number && v.TryGetInt32(out var i) ? i : throw Missing(key, "a whole number");

    /// <summary>A number of the parameters, <paramref name="otherwise"/> where it is absent or null.</summary>
    public double Number(string key, double? otherwise = null) => !Find(key, out var v) ? otherwise ?? throw Missing(key, "a number")
        : v.ValueKind == JsonValueKind.Number && v.TryGetDouble(out var d) ? d : throw Missing(key, "a number");

    /// <summary>A text of the parameters, <paramref name="otherwise"/> where it is absent or null.</summary>
    public string Text(string key, string? otherwise = null) => !Find(key, out var v) ? otherwise ?? throw Missing(key, "a text")
        : v.ValueKind == JsonValueKind.String ? v.GetString()! : throw Missing(key, "a text");

    /// <summary>A switch of the parameters, false where it is absent or null.</summary>
    public bool Flag(string key) => Find(key, out var v) && (v.ValueKind is JsonValueKind.True or JsonValueKind.False ? v.GetBoolean() : throw Missing(key, "true or false"));

    /// <summary>A list of whole numbers of the parameters.</summary>
    public int[] Ints(string key) => Find(key, out var v) && v.ValueKind == JsonValueKind.Array
        ? [.. v.EnumerateArray().Select(e => e.ValueKind == JsonValueKind.Number && e.TryGetInt32(out var i) ? i : throw Missing(key, "a list of whole numbers"))]
        : throw Missing(key, "a list of whole numbers");

    /// <summary>What this version does not do yet, in words: exit code 3.</summary>
    public MachineException NotSupported(string what) => new($"{Path}: this version does not support {what}.");

    /// <summary>The tolerance of a name.</summary>
    public Tolerance ToleranceOf(string name) => tolerance.For(name);

    /// <summary>Compares floats under the case's tolerance for the name.</summary>
    public ParityResult Compare(string name, ReadOnlySpan<float> got, ReadOnlySpan<float> want) =>
        ParityResult.Compare(name, got, want, tolerance.For(name), (a, b) => Distance(a, b), b => b);

    /// <summary>Compares doubles under the case's tolerance for the name.</summary>
    public ParityResult Compare(string name, ReadOnlySpan<double> got, ReadOnlySpan<double> want) =>
        ParityResult.Compare(name, got, want, tolerance.For(name), Distance, b => b);

    /// <summary>Compares whole numbers: they must be equal.</summary>
    public ParityResult Compare(string name, ReadOnlySpan<long> got, ReadOnlySpan<long> want) =>
        ParityResult.Compare(name, got, want, Tolerance.Exact, (a, b) => a == b ? 0 : Math.Max(1, Math.Abs((double)a - b)), b => b);

    /// <inheritdoc cref="Compare(string, ReadOnlySpan{long}, ReadOnlySpan{long})"/>
    public ParityResult Compare(string name, ReadOnlySpan<int> got, ReadOnlySpan<int> want) =>
        ParityResult.Compare(name, got, want, Tolerance.Exact, (a, b) => Math.Abs((double)a - b), b => b);

    /// <summary>Compares yes and no: they must be equal.</summary>
    public ParityResult Compare(string name, ReadOnlySpan<bool> got, ReadOnlySpan<bool> want) =>
        ParityResult.Compare(name, got, want, Tolerance.Exact, (a, b) => a == b ? 0 : 1, b => b ? 1 : 0);

    /// <summary>Compares one number under the case's tolerance for the name.</summary>
    public ParityResult Compare(string name, double got, double want) => Compare(name, [got], [want]);

    /// <summary>Compares texts: they must be equal.</summary>
    public ParityResult Compare(string name, string got, string want) =>
        got == want ? new(name, 1, 0, Tolerance.Exact, true) : ParityResult.Wrong(name, $"\"{got}\" where the case has \"{want}\"");

    bool Find(string key, out JsonElement value) => Parameters.TryGetProperty(key, out value) && value.ValueKind != JsonValueKind.Null;

    AerieException Missing(string key, string what) => new($"{System.IO.Path.Combine(Path, "case.json")}: `parameters.{key}` must be {what}.");

    static double Distance(double got, double want) =>
        got == want || (double.IsNaN(got) && double.IsNaN(want)) ? 0 : Math.Abs(got - want) is var d && double.IsNaN(d) ? double.PositiveInfinity : d;
}
