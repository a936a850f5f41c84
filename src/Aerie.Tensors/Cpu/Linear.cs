namespace Aerie.Tensors.Cpu;

sealed partial class CpuKernels
{
    public void Linear(Tensor x, Columns w, Tensor? bias, Tensor y, bool accumulate)
        => plain.Linear(x, w, bias, y, accumulate);

    public void LinearBackwardInput(Tensor dy, Columns w, Tensor dx, bool accumulate)
        => plain.LinearBackwardInput(dy, w, dx, accumulate);

    public void LinearBackwardWeight(Tensor dy, Tensor x, Columns w, Tensor? dbias)
        => plain.LinearBackwardWeight(dy, x, w, dbias);
}
