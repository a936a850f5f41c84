// Mamba-2 of the plain implementation: section 6 of golden/models/README.md, token by token, without the clamp of time steps.
namespace Aerie.Tests.Targets.Plain;

sealed partial class PlainModel
{
    double[][] Mamba(double[][] u, int i, string p)
    {
        var (h, size, n) = (config.Int("mamba_num_heads", 128), config.Int("mamba_head_dim", 64), config.Int("ssm_state_size", 128));
        var (groups, taps) = (config.Int("mamba_n_groups", config.Int("n_groups", 8)), config.Int("mamba_d_conv", config.Int("conv_kernel", 4)));
        var convBias = config.Flag("mamba_conv_bias", config.Flag("use_conv_bias", true));
        var (d, channels) = (h * size, h * size + 2 * groups * n);
        var all = Linear(u, $"{p}in_proj", d + channels + h, config.Flag("use_bias"));
        var (z, raw, dt) = (Columns(all, 0, d), Columns(all, d, channels), Columns(all, d + channels, h));

        var conv = weights[$"{p}conv1d.weight", channels, 1, taps];
        var b0 = convBias ? weights[$"{p}conv1d.bias", channels] : new double[channels];
        double Raw(int t, int c) => t < 0 ? 0 : raw[t][c];
        var xbc = Rows(u.Length, t => [.. Enumerable.Range(0, channels).Select(c => Silu(b0[c] + Enumerable.Range(0, taps).Sum(j => conv[c * taps + j] * Raw(t - taps + 1 + j, c))))]);
        Outputs[$"conv_state.{i}"] = [.. Enumerable.Range(0, channels).SelectMany(c => Enumerable.Range(0, taps).Select(j => Raw(u.Length - taps + j, c)))];

        var (decay, skip, dtBias) = (weights[$"{p}A_log", h], weights[$"{p}D", h], weights[$"{p}dt_bias", h]);
        var state = new double[h * size * n];
        var gain = weights[$"{p}norm.weight", d];
        var y = Rows(u.Length, t =>
        {
            var row = new double[d];
            for (var a = 0; a < h; a++)
            {
                var g = a / (h / groups);
                var step = Math.Log(1 + Math.Exp(dt[t][a] + dtBias[a]));
                var keep = Math.Exp(step * -Math.Exp(decay[a]));
                for (var c = 0; c < size; c++)
                {
                    var x = xbc[t][a * size + c];
                    row[a * size + c] = skip[a] * x;
                    for (var k = 0; k < n; k++)
                    {
                        ref var s = ref state[(a * size + c) * n + k];
                        s = keep * s + step * x * xbc[t][d + g * n + k];
                        row[a * size + c] += s * xbc[t][d + (groups + g) * n + k];
                    }
                }
            }
            for (var c = 0; c < d; c++) row[c] *= Silu(z[t][c]);
            double[] normed = [.. row.Chunk(d / groups).SelectMany(run => Rms(run, config.Eps))];
            return [.. normed.Select((v, c) => v * gain[c])];
        });
        Outputs[$"ssm_state.{i}"] = state;
        return Linear(y, $"{p}out_proj", H, config.Flag("use_bias"));
    }
}
