// Products of groups, each with a weight of its own, as one loop over the threads: a token decoded through eight experts costs no more than their bytes.
//   ExpertLinear   y[p] = x[row of p] W_eᵀ + b_e     for the grouped rows p of each used expert e; nobody reads the others
//   AddExperts     to[r] += Σ_i factors[r, i] y[place of (r, i)]     i = 0 .. k-1, the experts ascending: one order of every sum
//   HeadLinear     y[r, head h] = x[r, head h] W_hᵀ  for blocks of columns of the same rows (Inference only, all three.)
// A row's result depends on that row alone, bit for bit: not on who else chose the expert.
namespace Aerie.Tensors;

public partial interface IKernels
{
    /// <summary>y [at least R k, n]: grouped rows = x · W_eᵀ + bias[e]. Weights [n, k] of one shape, one for each expert; bias f32 [E, n] or null.
    /// <paramref name="gather"/>: x [R, k] are the rows as they were; else x [at least R k, k] are grouped rows.</summary>
    void ExpertLinear(Tensor x, RowGroups groups, bool gather, IReadOnlyList<Parameter> weights, Tensor? bias, Tensor y);

    /// <summary>to [R, H] += the grouped rows y of each row times its factors [R, k].</summary>
    void AddExperts(Tensor y, RowGroups groups, Tensor factors, Tensor to);

    /// <summary>For each head h: columns [yColumn + h yStride, + n) of y [R, ...] = columns [xColumn + h xStride, + k) of x [R, ...] · W_hᵀ, weights [n, k] of one shape.</summary>
    void HeadLinear(Tensor x, int xColumn, int xStride, IReadOnlyList<Parameter> weights, Tensor y, int yColumn, int yStride);
}
