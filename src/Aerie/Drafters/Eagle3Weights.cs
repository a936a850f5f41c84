// The tensors of an EAGLE-3 drafter on disk, under canonical names: no `model.` in front, `layers.0.` (not `midlayer.`) for the first layer.
//   canonical                              shape              present
//   embed_tokens.weight                    [V, H]             unless it is the target's (then H = Ht)
//   fc.weight                              [H, A Ht]          unless the feature is the last hidden state
//   fc_norm.{i}.weight, input_norm.weight  [Ht], [A Ht]       fc_norm, norm_before_fc
//   layers.0.input_layernorm.weight, hidden_norm, post_attention_layernorm                [H]
//   layers.0.self_attn.{q,k,v}_proj        [n d, 2H], [m d, 2H], [m d, 2H]                (.bias where the file has one)
//   layers.0.self_attn.o_proj, layers.0.mlp.{gate,up,down}_proj   [H, n d], [I, H], [I, H], [H, I]
//   layers.0.self_attn.{q,k}_norm.weight   [d]                Qwen3's form
//   layers.{1..}. as layers.0., but q, k, v read [H], and without hidden_norm
//   norm.weight, lm_head.weight            [H], [Vd, H]       lm_head may be the target's when Vd = V
//   d2t, t2d                               i64 [Vd], bool [V] absent: draft ids are target ids
using System.Buffers.Binary;
using Aerie.Formats;
using Aerie.Targets;
using Aerie.Tensors;

namespace Aerie.Drafters;

/// <summary>An opened and checked drafter folder. Nothing but the header and the draft vocabulary is read before it is asked for.</summary>
public sealed class Eagle3Weights : IDisposable
{
    readonly SafetensorsFolder files;
    readonly Dictionary<string, string> inFile;

    Eagle3Weights(Eagle3Config config, SafetensorsFolder files)
    {
        (Config, this.files) = (WithLayersOf(files, config), files);
        inFile = WeightTable.Match(files, Slots(Config), name => Canonical(name) is "d2t" or "t2d" ? null : Canonical(name));
        DraftToTarget = ReadDraftVocabulary();
    }

    /// <summary>Opens a drafter folder and checks names and shapes against its config.</summary>
    /// <param name="folder">Folder with config.json and safetensors.</param>
    /// <param name="layout">Who wrote it where that is known; null: told from the config.</param>
    public static Eagle3Weights Open(string folder, Eagle3Layout? layout = null)
    {
        var config = Eagle3Config.Read(folder, layout);
        var files = SafetensorsFolder.Open(folder);
        try
        {
            return new Eagle3Weights(config, files);
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    /// <summary>The drafter's config.</summary>
    public Eagle3Config Config { get; }

    /// <summary>The target id of every draft id; null where both are the same ids.</summary>
    public int[]? DraftToTarget { get; }

    /// <summary>Canonical names of all tensors that are there (without d2t and t2d).</summary>
    public IReadOnlyCollection<string> Names => inFile.Keys;

    /// <summary>Is the tensor in the file?</summary>
    public bool Has(string name) => inFile.ContainsKey(name);

    /// <summary>The type a tensor has on disk.</summary>
    public SafetensorsType TypeOf(string name) => files.Get(inFile[name]).Type;

    /// <summary>A matrix (or some of equal width, stacked) as a new tensor.</summary>
    public Tensor Matrix(DType dtype, params ReadOnlySpan<string> names)
    {
        var stored = new string[names.Length];
        for (var i = 0; i < stored.Length; i++) stored[i] = inFile[names[i]];
        return WeightTable.Stack(files, dtype, (int)files.Get(stored[0]).Shape[1], stored);
    }

    /// <summary>A norm's weight or a bias as a new f32 tensor.</summary>
    public Tensor Vector(string name) => WeightTable.Vector(files, inFile[name]);

    /// <summary>Any tensor's values, row-major.</summary>
    public float[] Values(string name) => files.ReadFloat32(inFile[name]);

    /// <summary>Ends the mapping of the files.</summary>
    public void Dispose() => files.Dispose();

    /// <summary>The canonical name of a name on disk; null for what every program ignores.</summary>
    public static string? Canonical(string name)
    {
        if (name.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal)) return null;
        if (name.StartsWith("model.", StringComparison.Ordinal)) name = name["model.".Length..];
        return name.StartsWith("midlayer.", StringComparison.Ordinal) ? "layers.0." + name["midlayer.".Length..] : name;
    }

    /// <summary>Every tensor that a drafter of this config has or may have.</summary>
    public static IEnumerable<WeightSlot> Slots(Eagle3Config c)
    {
        var (queries, keys) = (c.Heads * c.HeadSize, c.KeyValueHeads * c.HeadSize);
        yield return new("embed_tokens.weight", c.VocabularySize, c.HiddenSize, Optional: c.HiddenSize == c.TargetHiddenSize);
        if (!c.LastHiddenOnly) yield return new("fc.weight", c.HiddenSize, c.AuxWidth);
        for (var i = 0; c.FcNorm && i < c.AuxCount; i++) yield return WeightSlot.Vector($"fc_norm.{i}.weight", c.TargetHiddenSize);
        if (c.NormBeforeFc) yield return WeightSlot.Vector("input_norm.weight", c.AuxWidth);
        yield return WeightSlot.Vector("layers.0.hidden_norm.weight", c.HiddenSize);
        for (var i = 0; i < c.Layers; i++)
        {
            var (layer, read) = ($"layers.{i}.", i == 0 ? 2 * c.HiddenSize : c.HiddenSize);
            foreach (var norm in (string[])["input_layernorm", "post_attention_layernorm"]) yield return WeightSlot.Vector($"{layer}{norm}.weight", c.HiddenSize);
            foreach (var norm in c.QueryKeyNorm ? (string[])["q_norm", "k_norm"] : []) yield return WeightSlot.Vector($"{layer}self_attn.{norm}.weight", c.HeadSize);
            foreach (var (name, rows, cols) in ((string, int, int)[])[
                ("self_attn.q_proj", queries, read), ("self_attn.k_proj", keys, read), ("self_attn.v_proj", keys, read), ("self_attn.o_proj", c.HiddenSize, queries),
                ("mlp.gate_proj", c.IntermediateSize, c.HiddenSize), ("mlp.up_proj", c.IntermediateSize, c.HiddenSize), ("mlp.down_proj", c.HiddenSize, c.IntermediateSize)])
            {
                yield return new($"{layer}{name}.weight", rows, cols);
                yield return WeightSlot.Vector($"{layer}{name}.bias", rows, optional: true);
            }
        }
        yield return WeightSlot.Vector("norm.weight", c.HiddenSize);
        yield return new("lm_head.weight", c.DraftVocabularySize, c.HiddenSize, Optional: c.DraftVocabularySize == c.VocabularySize && c.HiddenSize == c.TargetHiddenSize);
    }

    // Layers and their norms are what the file holds.
    static Eagle3Config WithLayersOf(SafetensorsFolder files, Eagle3Config config)
    {
        string[] names = [.. files.Names.Select(Canonical).OfType<string>()];
        var layers = 1;
        while (names.Any(n => n.StartsWith($"layers.{layers}.", StringComparison.Ordinal))) layers++;
        return config with { Layers = layers, QueryKeyNorm = names.Contains("layers.0.self_attn.q_norm.weight") };
    }

    int[]? ReadDraftVocabulary()
    {
        var (draft, vocabulary) = (Config.DraftVocabularySize, Config.VocabularySize);
        if (files.Names.FirstOrDefault(n => Canonical(n) == "d2t") is not { } name)
            return draft == vocabulary ? null
                : throw new AerieException($"{files.Path}: has no d2t, but draft_vocab_size {draft} is below vocab_size {vocabulary}", "The drafter's own list of tokens is needed.");
        var entry = files.Get(name);
        if (entry.Type != SafetensorsType.I64 || entry.Shape is not [var n] || n != draft) throw new AerieException($"{files.Path}: {entry} should be I64 [{draft}]");
        var (ids, taken) = (new int[draft], new bool[vocabulary]);
        var bytes = files.Bytes(name);
        for (var i = 0; i < draft; i++)
        {
            var id = unchecked(i + BinaryPrimitives.ReadInt64LittleEndian(bytes[(8 * i)..]));
            if (id < 0 || id >= vocabulary) throw new AerieException($"{files.Path}: d2t[{i}] leads to token {id}, the vocabulary has {vocabulary}");
            if (taken[id]) throw new AerieException($"{files.Path}: d2t[{i}] leads to token {id}, which is there already");
            taken[id] = true;
            ids[i] = (int)id;
        }
        CheckTargetToDraft(taken);
        return ids;
    }

    void CheckTargetToDraft(bool[] inDraft)
    {
        if (files.Names.FirstOrDefault(n => Canonical(n) == "t2d") is not { } name) return;
        var entry = files.Get(name);
        if (entry.Type.ByteSize() != 1 || entry.Count != inDraft.Length) throw new AerieException($"{files.Path}: {entry} should be BOOL [{inDraft.Length}]");
        var bytes = files.Bytes(name);
        for (var id = 0; id < inDraft.Length; id++)
            if (bytes[id] != 0 != inDraft[id]) throw new AerieException($"{files.Path}: t2d and d2t disagree about token {id}");
    }
}
