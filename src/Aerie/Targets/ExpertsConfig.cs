// A mixture of experts as a config.json says it: how many, how many of them a token sees, how wide, and how the router chooses. Which keys say so differs by family.
using Aerie.Tensors;

namespace Aerie.Targets;

/// <summary>The experts of a target's layers.</summary>
/// <param name="Count">Experts of a layer, E.</param>
/// <param name="Chosen">Experts that a token sees, k.</param>
/// <param name="Width">Width of one expert, J.</param>
/// <param name="Rule">How the router chooses and weighs.</param>
public sealed record ExpertsConfig(int Count, int Chosen, int Width, RouteRule Rule)
{
    const int MostExperts = 1 << 12, MostInAll = 1 << 16;

    /// <summary>Width of the expert that every token sees beside the chosen ones; 0: none.</summary>
    public int SharedWidth { get; init; }

    /// <summary>Width of what the experts read and write, where it is not that of the residual stream; 0: it is.</summary>
    public int LatentWidth { get; init; }

    /// <summary>Reads what all families say in the same way, and checks that it fits together.</summary>
    /// <param name="json">The config.</param>
    /// <param name="countKey">The key of E.</param>
    /// <param name="widthKey">The key of J.</param>
    /// <param name="rule">How the router chooses; its groups are read from `n_group` and `topk_group` by <see cref="Sigmoid"/>.</param>
    /// <param name="count">E where the key is absent.</param>
    /// <param name="chosen">k where `num_experts_per_tok` is absent.</param>
    /// <param name="width">J where the key is absent; null: it must be there.</param>
    /// <param name="layers">Layers of experts, where they are not those of `num_hidden_layers`.</param>
    internal static ExpertsConfig Read(ConfigFile json, string countKey, string widthKey, RouteRule rule, int count, int chosen, int? width = null, int? layers = null)
    {
        count = json.Whole(countKey, most: MostExperts, otherwise: count);
        chosen = json.Whole("num_experts_per_tok", most: MostExperts, otherwise: chosen);
        layers ??= json.Whole("num_hidden_layers", most: 1 << 14);
        if ((long)layers * count > MostInAll) throw json.Bad(countKey, $"is {count}: more than {MostInAll} experts in {layers} layers");
        if (chosen > count) throw json.Bad("num_experts_per_tok", $"is {chosen}, more than the {count} experts of `{countKey}`");
        if (rule.Groups > 1)
        {
            if (count % rule.Groups != 0) throw json.Bad("n_group", $"is {rule.Groups}, which does not divide the {count} experts of `{countKey}`");
            if (count / rule.Groups < 2) throw json.Bad("n_group", $"is {rule.Groups}: a group of {count / rule.Groups} expert has no two best to be judged by");
            if (count / rule.Groups * rule.GroupsKept < chosen) throw json.Bad("topk_group", $"is {rule.GroupsKept}: {rule.GroupsKept} groups of {count / rule.Groups} experts hold fewer than the {chosen} of `num_experts_per_tok`");
        }
        return new ExpertsConfig(count, chosen, json.Whole(widthKey, most: 1 << 22, otherwise: width), rule);
    }

    /// <summary>The rule of DeepSeek-V3 and NemotronH.</summary>
    internal static RouteRule Sigmoid(ConfigFile json, int groups, int groupsKept, double scale)
    {
        groups = json.Whole("n_group", most: MostExperts, otherwise: groups);
        groupsKept = json.Whole("topk_group", most: MostExperts, otherwise: Math.Min(groupsKept, groups));
        if (groupsKept > groups) throw json.Bad("topk_group", $"is {groupsKept}, more than the {groups} groups of `n_group`");
        return new RouteRule(true, json.Flag("norm_topk_prob", true), groups, groupsKept, (float)json.Positive("routed_scaling_factor", scale));
    }
}
