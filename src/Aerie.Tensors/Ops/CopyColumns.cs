// A block of columns moved between tensors of different width: fresh keys and values into the rows of a cache, hidden states into their chunk of a wider row.
//   CopyColumns   y[rows[r]][yColumn + c] = x[r][xColumn + c],  c = 0 .. count-1        (no gradient: inference and capture only)
//   CopyHeads     the same for a block of columns of each head, in the same rows
namespace Aerie.Tensors;

public partial interface IKernels
{
    /// <summary>x [R, ...] f32 to y [N, ...] f32 or bf16; <paramref name="rows"/> i32 [R] are the rows of y (null: row r is r).</summary>
    void CopyColumns(Tensor x, int xColumn, int count, Tensor y, int yColumn, Tensor? rows);

    /// <summary>For each head h: <paramref name="count"/> columns of x [R, ...] from xColumn + h xStride on, to y [R, ...] from yColumn + h yStride on.</summary>
    void CopyHeads(Tensor x, int xColumn, int xStride, int count, int heads, Tensor y, int yColumn, int yStride);
}
