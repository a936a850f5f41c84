// Gemma 3, text (arXiv:2503.19786): Gemma 2 without caps of scores, with a norm of every head of q and of k before they are rotated, five layers with a window before each one without,
// and angles of their own in the layers with a window: base 10,000 (rope_local_base_freq), never stretched; 1,000,000 in the others.
//   model.layers.{i}.self_attn.{q,k}_norm.weight [d]; all else as Gemma 2. Names of the multimodal checkpoints (language_model. ...) are not read.
namespace Aerie.Targets.Families;

static class Gemma3
{
    internal static readonly TargetFamily Family = new("Gemma3ForCausalLM", "gemma3_text", Read, Gemma2.Build);

    static Gemma2.Config Read(ConfigFile json)
    {
        var pattern = json.Whole("sliding_window_pattern", most: 1 << 14, otherwise: 6);
        var c = Gemma2.Common(json, Family, new TargetDefaults { MaxPositions = 131072, Rope = Rope }, i => (i + 1) % pattern == 0, 0);
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
