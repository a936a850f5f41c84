// What layers are made of. A layer adds one block's output to the residual stream, or two blocks' (attention and MLP), each with the norms of its family around it:
//   x += multiplier · after( block( before(x) ) )          before, after: a norm or nothing
using Aerie.Tensors;

namespace Aerie.Targets.Blocks;

/// <summary>A block of a layer: attention, an MLP, experts. It owns no memory: parameters belong to the target, activations to the workspace, what is remembered to the cache.</summary>
interface IBlock
{
    /// <summary>What a person calls it, e.g. "attention".</summary>
    string Kind { get; }

    /// <summary>Its letter in a pattern of layers, as NemotronH writes them: * attention, - MLP, E experts, M Mamba-2.</summary>
    char Letter { get; }

    /// <summary>Floats that the cache keeps for every token; 0: none.</summary>
    int CacheWidth => 0;

    /// <summary>What a recurrence remembers of each sequence; null: it has none.</summary>
    RecurrentShape? Remembers => null;

    /// <summary>y [R, H] (+)= block(x [R, H]); x is not changed.</summary>
    void Forward(LayerPass pass, Tensor x, Tensor y, bool accumulate);
}

/// <summary>x += Multiplier · After( Block( Before(x) ) ).</summary>
sealed record SubLayer(Parameter? Before, IBlock Block, Parameter? After = null, float Multiplier = 1);

/// <summary>The parts of one layer, in order.</summary>
sealed record Layer(params SubLayer[] Parts)
{
    internal string Kind => string.Join(" + ", Parts.Select(p => p.Block.Kind));

    internal string Letters => string.Concat(Parts.Select(p => p.Block.Letter));
}
