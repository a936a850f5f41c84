// The part of a product that runs on the threads: packing A by row tiles, then tasks that are blocks of C.
using System.Numerics;
using System.Runtime.Intrinsics.X86;

namespace Aerie.Tensors.Cpu;

/// <summary>A product of some packed rows with packed B. Packed A: blocks of k, in them row tiles, in them words as the kernel wants them.</summary>
unsafe struct GemmBlock : IParallelBody
{
    public GemmKernel Kernel;
    public PanelLayout Layout;
    public uint* A, B;
    public float* C, Bias;
    public float Alpha;
    public bool Accumulate;

    /// <summary>So few rows that B is read from memory once and that sets the pace.</summary>
    public bool Few;

    /// <summary>Words of A per step of B and row (2 where bfloat16 is widened).</summary>
    public int StepsA;

    public int Rows, N, Ldc, BlockSteps;

    /// <summary>Row tiles in all, row tiles and panels of a task.</summary>
    public int Tiles, TaskTiles, TaskPanels;

    int _tileRows, _longTiles, _rowUnit;

    readonly int RowTasks => (Tiles + TaskTiles - 1) / TaskTiles;

    public readonly int Tasks => RowTasks * ((Layout.Panels + TaskPanels - 1) / TaskPanels);

    /// <summary>Rows of packed A, filled up.</summary>
    readonly int PackedRows => PanelLayout.RoundUp(Rows, Kernel.RowUnit);

    public readonly long BytesA => (long)PackedRows * Layout.Steps * StepsA * 4;

    /// <summary>First row of a tile. Rows are dealt out evenly, so that no tile is left with one or two: the first ones have one unit more.</summary>
    public readonly int TileRow(int tile) => tile * _tileRows + Math.Min(tile, _longTiles) * _rowUnit;

    public void Split(int threads)
    {
        Tiles = (PackedRows + Kernel.MaxRows - 1) / Kernel.MaxRows;
        _rowUnit = Kernel.RowUnit;
        int units = PackedRows / _rowUnit;
        _tileRows = units / Tiles * _rowUnit;
        _longTiles = units % Tiles;
        if (Few)
        {
            // As few bytes as keep the threads evenly busy, not so few that taking a task shows.
            BlockSteps = Math.Max(Layout.Steps, 1);
            TaskTiles = Tiles;
            TaskPanels = (int)Math.Clamp(65536 / Math.Max(Layout.PanelWords * 4, 1), 1, 16);
            return;
        }

        int blocks = Math.Max(1, (Layout.Steps + GemmKernel.BlockSteps - 1) / GemmKernel.BlockSteps);
        BlockSteps = PanelLayout.RoundUp((Layout.Steps + blocks - 1) / blocks, Kernel.StepUnit);
        int taskRows = Math.Clamp(Kernel.BlockBytes / Math.Max(BlockSteps * StepsA * 4, 1), 4 * Kernel.MaxRows, 20 * Kernel.MaxRows);
        int rowTasks = Math.Max(1, (Rows + taskRows / 2) / taskRows);
        TaskTiles = (Tiles + rowTasks - 1) / rowTasks;
        TaskPanels = (int)Math.Clamp(GemmKernel.ColumnBytes / Math.Max(Layout.PanelWords * 4, 1), 128 / Kernel.Width, 1024 / Kernel.Width);
        while (TaskPanels * Kernel.Width > 128 && Tasks < 8 * threads)
            TaskPanels = (TaskPanels + 1) / 2;
    }

    public readonly void Invoke(int begin, int end)
    {
        for (int task = begin; task < end; task++)
        {
            int tile = FirstTile(task), panel = task / RowTasks * TaskPanels;
            uint* next = Few || task + 1 == end ? null : A + (long)TileRow(FirstTile(task + 1)) * Math.Min(BlockSteps, Layout.Steps) * StepsA;
            Task(tile, Math.Min(tile + TaskTiles, Tiles), panel, Math.Min(panel + TaskPanels, Layout.Panels), next);
        }
    }

    readonly int FirstTile(int task) => task % RowTasks * TaskTiles;

    readonly void Task(int tile0, int tile1, int panel0, int panel1, uint* nextTaskA)
    {
        int width = Kernel.Width, row0 = TileRow(tile0), packedRows = TileRow(tile1) - row0;
        int rows = Math.Min(TileRow(tile1), Rows) - row0, column = panel0 * width, columns = Math.Min(panel1 * width, N) - column;
        float* c = C + (long)row0 * Ldc + column;

        // Sums go straight to C where nothing is to be added and nothing is cut off.
        bool direct = !Accumulate && rows == packedRows && columns == (panel1 - panel0) * width;
        long stride = direct ? Ldc : (panel1 - panel0) * width;
        float* sums = direct ? c : (float*)Scratch.Take(Scratch.Use.Sums, packedRows * stride * 4);

        for (int step = 0, steps; step == 0 || step < Layout.Steps; step += steps)
        {
            steps = Math.Min(BlockSteps, Layout.Steps - step);
            int left = Layout.Steps - step - steps, tiles = tile1 - tile0;
            uint* a = A + (long)step * StepsA * PackedRows;
            uint* nextA = left == 0 ? nextTaskA : a + ((long)steps * PackedRows + (long)row0 * Math.Min(BlockSteps, left)) * StepsA;
            for (int panel = panel0; panel < panel1; panel++)
            {
                uint* b = B + panel * Layout.PanelWords + (long)step * width;
                float* at = sums + (panel - panel0) * width;

                // The next block of A is brought nearer while the last panels run; B and C come in order and the processor sees them coming.
                var coming = new Coming(Few || panel + 2 < panel1 ? null : nextA, (long)steps * packedRows * StepsA * 4, tiles, panel + 1 == panel1);
                for (int tile = tile0; tile < tile1; tile++)
                {
                    int row = TileRow(tile);
                    coming.Fetch();
                    Kernel.Run(TileRow(tile + 1) - row, a + (long)row * steps * StepsA, b, steps, at + (row - row0) * stride, stride, step > 0, Few && tile == tile0);
                }
            }

            if (steps == 0)
                break;
        }

        if (!direct || Alpha != 1 || Bias != null)
            Finish(sums, stride, c, rows, columns, Bias == null ? null : Bias + column);
    }

    /// <summary>c = alpha * sums + bias (+ c), in this order and without fused rounding.</summary>
    readonly void Finish(float* sums, long stride, float* c, int rows, int columns, float* bias)
    {
        for (int row = 0; row < rows; row++, sums += stride, c += Ldc)
        {
            int j = 0;
            for (; j <= columns - Vector<float>.Count; j += Vector<float>.Count)
            {
                Vector<float> x = Vector.Load(sums + j) * Alpha;
                if (bias != null)
                    x += Vector.Load(bias + j);
                if (Accumulate)
                    x += Vector.Load(c + j);
                x.Store(c + j);
            }

            for (; j < columns; j++)
            {
                float x = sums[j] * Alpha;
                if (bias != null)
                    x += bias[j];
                c[j] = Accumulate ? c[j] + x : x;
            }
        }
    }
}

/// <summary>Memory that will be read soon, prefetched into the second cache in two halves of equal parts.</summary>
unsafe struct Coming
{
    const int Line = 64;

    readonly long _part;
    readonly byte* _end;
    byte* _at;

    public Coming(void* memory, long bytes, int parts, bool second)
    {
        if (memory == null || !Sse.IsSupported)
            return;
        _at = (byte*)memory + (second ? bytes / 2 : 0);
        _end = _at + bytes / 2;
        _part = (bytes / 2 / parts + Line - 1) / Line * Line;
    }

    /// <summary>The next part.</summary>
    public void Fetch()
    {
        for (byte* end = (byte*)Math.Min((long)_end, (long)(_at + _part)); _at < end; _at += Line)
            Sse.Prefetch1(_at);
    }
}

/// <summary>Packs row tiles of A, all of k.</summary>
unsafe struct PackRows : IParallelBody
{
    public GemmBlock Block;
    public MatrixView Source;

    public readonly void Invoke(int begin, int end)
    {
        GemmKernel kernel = Block.Kernel;
        int packedRows = Block.TileRow(Block.Tiles);

        // Where lines of the source run across the tiles, some lines of all tiles at a time; else tile by tile.
        int tilesAtOnce = Source.Transposed ? end - begin : 1, lines = Source.Transposed ? Packing.LinesAtOnce / Packing.PerStep(kernel.FormatA) : int.MaxValue;
        for (int first = begin; first < end; first += tilesAtOnce)
        {
            for (int step = 0; step < Block.Layout.Steps; step += Block.BlockSteps)
            {
                int count = Math.Min(Block.BlockSteps, Block.Layout.Steps - step) * Block.StepsA;
                for (int s = 0, some; s < count; s += some)
                {
                    some = Math.Min(lines, count - s);
                    for (int tile = first; tile < first + tilesAtOnce; tile++)
                    {
                        int row = Block.TileRow(tile), rows = Block.TileRow(tile + 1) - row;
                        bool rowMajor = kernel.RowMajorA || rows == 1;
                        (int vStride, int sStride) = rowMajor ? (count, 1) : (1, rows);
                        uint* to = Block.A + (long)step * Block.StepsA * packedRows + (long)row * count + (long)s * sStride;
                        Packing.Fill(Source, kernel.FormatA, row, rows, step * Block.StepsA + s, some, to, vStride, sStride, spill: Block.Tiles == 1);
                    }
                }
            }
        }
    }
}
