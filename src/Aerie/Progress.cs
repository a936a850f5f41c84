// What a long stage tells whoever watches: the stage's name and how much of it is done.
namespace Aerie;

/// <summary>A moment of a stage. <paramref name="Total"/> is 0 where it is not known.</summary>
/// <param name="Stage">What is being done: "train", "capture hidden states".</param>
/// <param name="Done">How much is done, in the stage's own unit.</param>
/// <param name="Total">How much there is to do; 0 if not known.</param>
/// <param name="Note">A short figure to show beside the bar: "loss 2.31".</param>
public readonly record struct Progress(string Stage, long Done, long Total, string? Note = null);
