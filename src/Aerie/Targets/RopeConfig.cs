// RoPE as a config.json says it. 5.x: rope_parameters = {rope_type, rope_theta, ...}. 4.x: rope_theta at the top, rope_scaling = null or {rope_type | type, ...}.
// Kinds: default, linear, llama3, yarn and, where the family has it, longrope (formulas in Aerie.Tensors.RotaryTable).
using Aerie.Tensors;

namespace Aerie.Targets;

/// <summary>How positions rotate.</summary>
/// <param name="Kind">none (positions are not told apart), default, linear, llama3, yarn or longrope.</param>
/// <param name="Theta">Base of the frequencies.</param>
/// <param name="Factor">Stretch of the context (linear, llama3, yarn, longrope).</param>
/// <param name="OriginalLength">Context before stretching (llama3, yarn, longrope).</param>
public sealed record RopeConfig(string Kind, double Theta, double Factor = 1, double OriginalLength = 0)
{
    /// <summary>llama3: context / wavelength from which on nothing is changed, and up to which all is stretched.</summary>
    public double LowFrequencyFactor { get; init; } = 1;

    /// <inheritdoc cref="LowFrequencyFactor"/>
    public double HighFrequencyFactor { get; init; } = 4;

    /// <summary>yarn: turns within the original context that bound the ramp.</summary>
    public double BetaFast { get; init; } = 32;

    /// <inheritdoc cref="BetaFast"/>
    public double BetaSlow { get; init; } = 1;

    /// <summary>yarn: the ramp begins and ends at whole pairs.</summary>
    public bool Truncate { get; init; } = true;

    /// <summary>Factor of cos and sin.</summary>
    public double AttentionScale { get; init; } = 1;

    /// <summary>Share of a head's dimensions that are rotated, the first of them.</summary>
    public double PartialFactor { get; init; } = 1;

    /// <summary>longrope: divisors of the frequencies of texts up to the original length, one for each pair.</summary>
    public IReadOnlyList<double> ShortFactors { get; init; } = [];

    /// <summary>longrope: divisors of the frequencies of longer texts.</summary>
    public IReadOnlyList<double> LongFactors { get; init; } = [];

    /// <summary>What a drafter of such a target uses: it is of Llama's form, which rotates whole heads in one regime.</summary>
    public RopeConfig ForDrafter => Kind is "longrope" or "none" || PartialFactor != 1 ? new RopeConfig("default", Theta) : this;

    /// <summary>Dimensions of a head of <paramref name="headSize"/> that are rotated.</summary>
    public int RotatedSize(int headSize) => (int)(headSize * PartialFactor);

    /// <summary>The rotation angles for heads of <paramref name="headSize"/>.</summary>
    public RotaryTable CreateTable(int headSize, int positions = 512)
    {
        var r = RotatedSize(headSize);
        if (Kind == "longrope")
            return RotaryTable.LongRope(RotaryTable.Stretched(r, Theta, [.. ShortFactors]), RotaryTable.Stretched(r, Theta, [.. LongFactors]), (int)OriginalLength, AttentionScale, headSize, positions);
        return new(Kind switch
        {
            "linear" => RotaryTable.Linear(r, Theta, Factor),
            "llama3" => RotaryTable.Llama3(r, Theta, Factor, LowFrequencyFactor, HighFrequencyFactor, OriginalLength),
            "yarn" => RotaryTable.Yarn(r, Theta, Factor, OriginalLength, BetaFast, BetaSlow, Truncate),
            _ => RotaryTable.Default(r, Theta),
        }, AttentionScale, positions, headSize);
    }

    /// <summary>Reads either spelling.</summary>
    /// <param name="config">The object that holds rope_parameters, or rope_theta and rope_scaling.</param>
    /// <param name="maxPositions">max_position_embeddings: the original length where none is given.</param>
    /// <param name="theta">Base of the frequencies where none is given.</param>
    public static RopeConfig Read(ConfigFile config, int maxPositions, double theta = 1e4)
        => Of(config.Object("rope_parameters") ?? config.Object("rope_scaling"), config, maxPositions, theta);

    /// <summary>Reads one object of parameters.</summary>
    /// <param name="rope">The object; null: the kind is default.</param>
    /// <param name="config">Where the keys stand that 4.x keeps outside.</param>
    /// <param name="maxPositions">The original length where none is given.</param>
    /// <param name="theta">Base of the frequencies where none is given.</param>
    /// <param name="partial">The family rotates a part of each head where `partial_rotary_factor` says so.</param>
    internal static RopeConfig Of(ConfigFile? rope, ConfigFile config, int maxPositions, double theta, bool partial = false)
    {
        theta = rope is not null && rope.Has("rope_theta") ? rope.Positive("rope_theta") : config.Positive("rope_theta", theta);
        var part = Part(rope, config, partial);
        var kind = KindOf(rope);
        if (kind == "default") return new RopeConfig(kind, theta) { PartialFactor = part };
        if (kind is not ("linear" or "llama3" or "yarn"))
            throw rope!.Bad(rope.Has("rope_type") ? "rope_type" : "type", $"is '{kind}'; supported: default, linear, llama3, yarn");
        var result = new RopeConfig(kind, theta, rope!.Positive("factor"), rope.Whole("original_max_position_embeddings", most: int.MaxValue, otherwise: maxPositions)) { PartialFactor = part };
        return kind switch { "llama3" => Llama3(result, rope), "yarn" => Yarn(result, rope), _ => result };
    }

    internal static string KindOf(ConfigFile? rope) => rope?.Text("rope_type") ?? rope?.Text("type") ?? "default";

    internal static double Part(ConfigFile? rope, ConfigFile config, bool partial)
    {
        var place = rope is not null && rope.Has("partial_rotary_factor") ? rope : config;
        var part = place.Positive("partial_rotary_factor", 1);
        if (part != 1 && !partial) throw place.Bad("partial_rotary_factor", "other than 1 is not supported for this architecture");
        return part <= 1 ? part : throw place.Bad("partial_rotary_factor", $"must be at most 1, not {part}");
    }

    static RopeConfig Llama3(RopeConfig rope, ConfigFile json)
    {
        var (low, high) = (json.Positive("low_freq_factor"), json.Positive("high_freq_factor"));
        return low < high ? rope with { LowFrequencyFactor = low, HighFrequencyFactor = high }
            : throw json.Bad("low_freq_factor", $"must be below high_freq_factor, not {low} and {high}");
    }

    static RopeConfig Yarn(RopeConfig rope, ConfigFile json)
    {
        double Scale(double u) => rope.Factor <= 1 ? 1 : 0.1 * u * Math.Log(rope.Factor) + 1;
        var (scale, scaleAll) = (json.Positive("mscale", 0, orZero: true), json.Positive("mscale_all_dim", 0, orZero: true));
        return rope with
        {
            BetaFast = json.Positive("beta_fast", 32),
            BetaSlow = json.Positive("beta_slow", 1),
            Truncate = json.Flag("truncate", true),
            AttentionScale = json.Has("attention_factor") ? json.Positive("attention_factor")
                : scale != 0 && scaleAll != 0 ? Scale(scale) / Scale(scaleAll) : Scale(1),
        };
    }
}
