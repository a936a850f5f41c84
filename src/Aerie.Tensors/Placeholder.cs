namespace Aerie.Tensors;

internal static class Placeholder;
