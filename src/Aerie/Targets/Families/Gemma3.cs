// Gemma 3, text (arXiv:2503.19786): Gemma 2 without caps of scores, with a norm of every head of q and of k before they are rotated, five layers with a window before each one without,
// and angles of their own in the layers with a window: base 10,000 (rope_local_base_freq), never stretched; 1,000,000 in the others.
//   model.layers.{i}.self_attn.{q,k}_norm.weight [d]; all else as Gemma 2
// Most published sizes (4b and up) also read pictures: the text model is then `text_config` of the config, where what equals transformers' defaults is left out, and language_model.model. (or
// model.language_model.) in the names. Pictures are not read: vision_tower. and multi_modal_projector. are left alone.
namespace Aerie.Targets.Families;

static class Gemma3
{
    internal static readonly TargetFamily Family = new("Gemma3ForCausalLM", "gemma3_text", Read, Gemma2.Build);

    internal static readonly TargetFamily WithPictures = new("Gemma3ForConditionalGeneration", "gemma3", ReadText, Gemma2.Build) { Canonical = TextName };

    static Gemma2.Config Read(ConfigFile json) => Read(json, Family, new TargetDefaults());

    static TargetConfig ReadText(ConfigFile json)
    {
        QuantizedWeights.CheckConfig(json);
        var c = Read(json.Object("text_config") ?? throw json.Bad("text_config", "is missing"), WithPictures, new TargetDefaults { Sizes = (8, 4, 262208) });
        return c with { EndTokenIds = TargetConfig.EndTokens(json, c.VocabularySize), BeginTokenId = c.BeginTokenId ?? (json.Ids("bos_token_id") is [var begin, ..] ? begin : null) };
    }

    static string? TextName(string name)
    {
        const string Old = "language_model.", New = "model.language_model.";
        if (name.StartsWith(Old, StringComparison.Ordinal)) return name[Old.Length..];
        if (name.StartsWith(New, StringComparison.Ordinal)) return $"model.{name[New.Length..]}";
        return name.Contains("vision_tower.", StringComparison.Ordinal) || name.Contains("multi_modal_projector.", StringComparison.Ordinal) ? null : name;
    }

    static Gemma2.Config Read(ConfigFile json, TargetFamily family, TargetDefaults defaults)
    {
        var pattern = json.Whole("sliding_window_pattern", most: 1 << 14, otherwise: 6);
        var c = Gemma2.Common(json, family, defaults with { MaxPositions = 131072, Rope = Rope }, i => (i + 1) % pattern == 0, 0);
        var local = json.Object("rope_parameters")?.Object("sliding_attention");
        return c with
        {
            QueryKeyNorm = true,
            WindowedRope = local is not null ? RopeConfig.Of(local, local, c.MaxPositions, 1e4) : new RopeConfig("default", json.Positive("rope_local_base_freq", 1e4)),
        };
    }

    // 5.x has an object for each type of layer; 4.x says by its keys what holds for the layers without a window.
    static RopeConfig Rope(ConfigFile json, int positions)
    {
        var rope = json.Object("rope_parameters") ?? json.Object("rope_scaling");
        return RopeConfig.Of(rope is not null && rope.Has("full_attention") ? rope.Object("full_attention") : rope, json, positions, 1e6);
    }
}
