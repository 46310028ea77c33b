using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DistNet.Data;
using DistNet.Optimizers;
using DistNet.Randomness;
using DistNet.Runs;
using DistNet.Tensors;

namespace DistNet.Kernels.Bench;

/// <summary>Every kernel that is bound by memory rather than by multiply-adds.</summary>
internal static class MemoryKernels
{
    private const int WideRow = 1024;
    private const int NarrowRow = 10;
    private const int Image = 784;
    private const int Layer = 512;
    private const int SliceSize = 32;
    private static readonly VectorUnit Unit = VectorUnit.Widest;

    /// <summary>The stream copy that all are measured by: a loop of loads and stores, as STREAM's.</summary>
    public static MemoryKernel Copy { get; } = new("stream copy", 1, 1, 2, arrays => () => StreamCopy(arrays));

    /// <summary>All of them, in the order of the table.</summary>
    public static IReadOnlyList<MemoryKernel> All { get; } =
    [
        Copy,
        new("copy by the C library", 1, 1, 2, arrays => () => arrays[0].Span.CopyTo(arrays[1].Span)),
        new("copy past the caches", 1, 1, 2, arrays => () => CopyPastCaches(arrays)),
        Map("Add", (a, b, y) => Elementwise.Add(Unit, a, b, y)),
        Map("Multiply", (a, b, y) => Elementwise.Multiply(Unit, a, b, y)),
        Map("Max", (a, b, y) => Elementwise.Max(Unit, a, b, y)),
        new("Max backward", 3, 2, 5, arrays => () => Elementwise.MaxBackward(Unit, arrays[0].Span, arrays[1].Span, arrays[2].Span, arrays[3].Span, arrays[4].Span)),
        Map("Scale", (x, y) => Elementwise.Scale(Unit, x, 0.3f, y)),
        Map("Divide", (x, y) => Elementwise.Divide(Unit, x, 0.3f, y)),
        Map("ReLU", (x, y) => Elementwise.Relu(Unit, x, y)),
        Map("ReLU backward", (a, b, y) => Elementwise.ReluBackward(Unit, a, b, y)),
        new("ReLU backward, in place", 2, 1, 2, arrays => () => Elementwise.ReluBackward(Unit, arrays[0].Span, arrays[1].Span, arrays[1].Span)),
        Map("Exp", (x, y) => Elementwise.Exp(Unit, x, y)),
        Map("Log", (x, y) => Elementwise.Log(Unit, x, y)),
        Map("Sigmoid", (x, y) => Elementwise.Sigmoid(Unit, x, y)),
        Map("Sigmoid backward", (a, b, y) => Elementwise.SigmoidBackward(Unit, a, b, y)),
        Map("Tanh", (x, y) => Elementwise.Tanh(Unit, x, y)),
        Map("Tanh backward", (a, b, y) => Elementwise.TanhBackward(Unit, a, b, y)),
        Map("Softplus", (x, y) => Elementwise.Softplus(Unit, x, y)),
        Map("Softplus backward", (a, b, y) => Elementwise.SoftplusBackward(Unit, a, b, y)),
        Map("GELU", (x, y) => Elementwise.Gelu(Unit, x, y)),
        Map("GELU backward", (a, b, y) => Elementwise.GeluBackward(Unit, a, b, y)),
        Map("SiLU", (x, y) => Elementwise.Silu(Unit, x, y)),
        Map("SiLU backward", (a, b, y) => Elementwise.SiluBackward(Unit, a, b, y)),
        new("dropout mask", 0, 1, 1, arrays => () => KeyedRandom.DropoutMask(Unit, 1, 2, 3, 4, 0.5, arrays[0].Span)),
        new("max pool 2×2 of 28×28", 1, 0.25 + PlaceFloats, 3, arrays => Pool(arrays, 28, (x, y, places, window) => PoolKernels.Maximum(Unit, window, x, y, places)), 16 * 784),
        new("max pool 2×2 of 28×28 backward", 0.25 + PlaceFloats, 1, 3, arrays => Pool(arrays, 28, (x, y, places, window) => PoolKernels.MaximumBackward(Unit, window, y, places, x)), 16 * 784),
        new("max pool 2×2 of 14×14 backward", 0.25 + PlaceFloats, 1, 3, arrays => Pool(arrays, 14, (x, y, places, window) => PoolKernels.MaximumBackward(Unit, window, y, places, x)), 16 * 196),
        new("max pool 2×2 of 14×14", 1, 0.25 + PlaceFloats, 3, arrays => Pool(arrays, 14, (x, y, places, window) => PoolKernels.Maximum(Unit, window, x, y, places)), 16 * 196),
        new("average pool 2×2 of 28×28", 1, 0.25, 3, arrays => Pool(arrays, 28, (x, y, _, window) => PoolKernels.Mean(Unit, window, true, x, y)), 16 * 784),
        new("average pool 2×2 of 28×28 backward", 0.25, 1, 3, arrays => Pool(arrays, 28, (x, y, _, window) => PoolKernels.MeanBackward(Unit, window, true, y, x)), 16 * 784),
        new("max pool 3×3 at stride 2 of 28×28", 1, 0.25 + PlaceFloats, 3, arrays => Pool(arrays, 28, (x, y, places, window) => PoolKernels.Maximum(Unit, window, x, y, places), 3, 1), 16 * 784),
        new("max pool 3×3 at stride 2 of 28×28 backward", 0.25 + PlaceFloats, 1, 3, arrays => Pool(arrays, 28, (x, y, places, window) => PoolKernels.MaximumBackward(Unit, window, y, places, x), 3, 1), 16 * 784),
        new("normalisation, rows of 784", 1, 1, 2, Normalization, Image),
        new("gather of bytes, rows of 784", 0.25, 1, 2, GatherBytes, Image),
        new("gather of floats, rows of 784", 1, 1, 2, GatherFloats, Image),
        .. new[] { WideRow, NarrowRow }.SelectMany(RowKernelsOf),
        new("sum of columns by slices, rows of 512", 1, 0, 1, ColumnSum, Layer),
        new("sum of columns by slices, rows of 10", 1, 0, 1, NarrowColumnSum, NarrowRow),
        .. new[] { (8, 784), (64, 196), (64, 256), (128, 49), (Layer, 1) }.SelectMany(shape => BatchNormsOf(shape.Item1, shape.Item2)),
        new("layer-norm, rows of 512", 1, 1, 2, arrays => LayerNorm(arrays, backward: false), Layer),
        new("layer-norm backward, rows of 512", 2, 1, 3, arrays => LayerNorm(arrays, backward: true), Layer),
        new("group-norm, 8 groups of 64 channels of 196", 1, 1, 2, arrays => GroupNorm(arrays, backward: false), 64 * 196),
        new("group-norm backward, 8 groups of 64 channels of 196", 2, 1, 3, arrays => GroupNorm(arrays, backward: true), 64 * 196),
        new("root gradient of 1 node", 1, 1, 2, arrays => RootOf(arrays, 1)),
        new("root gradient of 1 node, divided by 328", 1, 1, 2, arrays => RootOf(arrays, 1, 328)),
        new("root gradient of 1 node with penalties", 2, 1, 2, arrays => RootOf(arrays, 1, penalty: 1e-4)),
        new("root gradient of 1 node, without its norm", 1, 0, 2, arrays => RootOf(arrays, 1, squared: false)),
        new("root gradient of 2 nodes", 2, 1, 3, arrays => RootOf(arrays, 2)),
        new("root gradient of 2 nodes, without its norm", 2, 1, 3, arrays => RootOf(arrays, 2, squared: false)),
        new("root gradient of 8 nodes", 8, 1, 9, arrays => RootOf(arrays, 8)),
        new("SGD", 2, 1, 2, arrays => Update(new() { Kind = OptimizerKind.Sgd }, arrays)),
        new("SGD with momentum", 3, 2, 3, arrays => Update(new() { Kind = OptimizerKind.Sgd, Momentum = 0.9 }, arrays)),
        new("Adam", 4, 3, 4, arrays => Update(new() { Kind = OptimizerKind.Adam }, arrays)),
        new("AdamW", 4, 3, 4, arrays => Update(new() { Kind = OptimizerKind.AdamW, WeightDecay = 1e-4 }, arrays)),
    ];

    private const double PlaceFloats = 0.25 / sizeof(float);

    private delegate void Pooling(Span<float> x, Span<float> y, Span<float> places, PlaneWindow window);

    private delegate void Function1(ReadOnlySpan<float> x, Span<float> y);

    private delegate void Function2(ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> y);

    private static MemoryKernel Map(string name, Function1 function) => new(name, 1, 1, 2, arrays => () => function(arrays[0].Span, arrays[1].Span));

    private static MemoryKernel Map(string name, Function2 function) => new(name, 2, 1, 3, arrays => () => function(arrays[0].Span, arrays[1].Span, arrays[2].Span));

    // A call for each 16 planes, as for the channels of a sample.
    private static Action Pool(KernelArrays arrays, int size, Pooling pooling, int kernel = 2, int padding = 0)
    {
        WindowAxis axis = new(size, kernel, 2, 1, padding, padding);
        PlaneWindow window = new(axis, axis);
        int length = 16 * size * size;
        int outputs = length / 4;
        PoolKernels.Maximum(Unit, window, arrays[0].Span[..length], arrays[1].Span[..outputs], arrays[2].Span[..(outputs / 4)]);
        for (int start = 1; start < arrays.Length / length; start++)
        {
            arrays[2].Span[..(outputs / 4)].CopyTo(arrays[2].Span[(start * outputs / 4)..]);
        }

        return () =>
        {
            for (int start = 0; start < arrays.Length / length; start++)
            {
                pooling(
                    arrays[0].Span.Slice(start * length, length), arrays[1].Span.Slice(start * outputs, outputs), arrays[2].Span.Slice(start * outputs / 4, outputs / 4), window);
            }
        };
    }

    private static IEnumerable<MemoryKernel> RowKernelsOf(int columns) =>
    [
        new($"softmax, rows of {columns}", 1, 1, 2, arrays => () => RowKernels.SoftMax(Unit, arrays[0].Span, columns, arrays[1].Span), columns),
        new($"softmax backward, rows of {columns}", 2, 1, 3, arrays => () => RowKernels.SoftMaxBackward(Unit, arrays[0].Span, arrays[1].Span, columns, arrays[2].Span), columns),
        new($"log-softmax, rows of {columns}", 1, 1, 2, arrays => () => RowKernels.LogSoftMax(Unit, arrays[0].Span, columns, arrays[1].Span), columns),
        new($"log-softmax backward, rows of {columns}", 2, 1, 3, arrays => () => RowKernels.LogSoftMaxBackward(Unit, arrays[0].Span, arrays[1].Span, columns, arrays[2].Span), columns),
        new($"cross-entropy with gradient, rows of {columns}", 1 + (1.0 / columns), 1 + (1.0 / columns), 2, arrays => CrossEntropy(arrays, columns), columns),
    ];

    private static IEnumerable<MemoryKernel> BatchNormsOf(int channels, int pixels) =>
    [
        new($"batch-norm, {channels} channels of {pixels}", 1, 1, 2, arrays => BatchNorm(arrays, channels, pixels, backward: false), channels * pixels),
        new($"batch-norm backward, {channels} channels of {pixels}", 2, 1, 3, arrays => BatchNorm(arrays, channels, pixels, backward: true), channels * pixels),
    ];

    // Slice by slice, as in training.
    private static Action BatchNorm(KernelArrays arrays, int channels, int pixels, bool backward)
    {
        int width = channels * pixels, rows = arrays.Length / width;
        float[] weight = new float[channels], mean = new float[channels], variance = new float[channels], inverse = new float[channels];
        float[] scratch = new float[BatchNormKernels.ScratchPerChannel * channels], ofBias = new float[channels];
        Array.Fill(weight, 1);
        Array.Fill(inverse, 1);
        return () =>
        {
            for (int first = 0; first < rows; first += SliceSize)
            {
                int count = Math.Min(SliceSize, rows - first);
                Span<float> x = arrays[0].Span.Slice(first * width, count * width), second = arrays[1].Span.Slice(first * width, count * width);
                if (backward)
                {
                    BatchNormKernels.Backward(Unit, x, second, count, weight, mean, inverse, true, variance, ofBias, arrays[2].Span.Slice(first * width, count * width), scratch);
                }
                else
                {
                    BatchNormKernels.Forward(Unit, x, count, weight, weight, 1e-5f, mean, variance, inverse, second, scratch);
                }
            }
        };
    }

    private static Action LayerNorm(KernelArrays arrays, bool backward)
    {
        float[] weight = new float[Layer], statistics = new float[arrays.Length / Layer * 2], scratch = new float[Layer];
        Array.Fill(weight, 1);
        return () =>
        {
            if (backward)
            {
                RowNormKernels.Backward(Unit, arrays[0].Span, arrays[1].Span, weight, statistics, arrays[2].Span, scratch);
            }
            else
            {
                RowNormKernels.Forward(Unit, arrays[0].Span, weight, weight, 1e-5f, statistics, arrays[1].Span);
            }
        };
    }

    private static Action GroupNorm(KernelArrays arrays, bool backward)
    {
        int samples = arrays.Length / (64 * 196);
        float[] weight = new float[64], statistics = new float[samples * 16], ofWeight = new float[samples * 64], ofBias = new float[samples * 64];
        Array.Fill(weight, 1);
        return () =>
        {
            if (backward)
            {
                RowNormKernels.BackwardGroups(Unit, arrays[0].Span, arrays[1].Span, weight, 8, statistics, ofWeight, ofBias, arrays[2].Span);
            }
            else
            {
                RowNormKernels.ForwardGroups(Unit, arrays[0].Span, weight, weight, 8, 1e-5f, statistics, arrays[1].Span);
            }
        };
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void StreamCopy(KernelArrays arrays)
    {
        fixed (float* from = arrays[0].Span, to = arrays[1].Span)
        {
            for (int index = 0; index < arrays.Length; index += Vector512<float>.Count)
            {
                Vector512.Load(from + index).Store(to + index);
            }
        }
    }

    // Stores that do not read the line first: what a copy of large arrays can reach, at the price of throwing its result out of the caches.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void CopyPastCaches(KernelArrays arrays)
    {
        fixed (float* from = arrays[0].Span, to = arrays[1].Span)
        {
            for (int index = 0; index < arrays.Length; index += Vector128<float>.Count)
            {
                Vector128.Load(from + index).StoreAlignedNonTemporal(to + index);
            }
        }
    }

    private static Action CrossEntropy(KernelArrays arrays, int columns)
    {
        int rows = arrays.Length / columns;
        int[] labels = [.. Enumerable.Range(0, rows).Select(row => row * 7 % columns)];
        float[] losses = new float[rows];
        return () => RowKernels.CrossEntropy(Unit, arrays[0].Span, columns, labels, [], losses, arrays[1].Span);
    }

    private static Action Normalization(KernelArrays arrays)
    {
        float[] mean = Values.Of(Image), deviation = [.. mean.Select(value => value + 2)];
        return () => Elementwise.Normalize(Unit, arrays[0].Span, mean, deviation, arrays[1].Span);
    }

    private static Action GatherBytes(KernelArrays arrays)
    {
        byte[] inputs = new byte[arrays.Length];
        new Random(1).NextBytes(inputs);
        return Gather(new ByteDataset(new Shape(Image), inputs, SampleLabels.None), arrays[1]);
    }

    private static Action GatherFloats(KernelArrays arrays) =>
        Gather(new FloatDataset(new Shape(Image), arrays[0].ToArray(), SampleLabels.None), arrays[1]);

    private static Action Gather(Dataset data, Memory<float> to)
    {
        int[] order = [.. Enumerable.Range(0, data.Count)];
        new Random(1).Shuffle(order);
        return () => data.CopyInputs(order, to.Span);
    }

    private static Action ColumnSum(KernelArrays arrays) => ColumnSum(arrays, Layer);

    private static Action NarrowColumnSum(KernelArrays arrays) => ColumnSum(arrays, NarrowRow);

    private static Action ColumnSum(KernelArrays arrays, int columns)
    {
        int rows = arrays.Length / columns;
        SliceRows[] slices = [.. Enumerable.Range(0, (rows + SliceSize - 1) / SliceSize).Select(slice => new SliceRows(slice * SliceSize, Math.Min(SliceSize, rows - (slice * SliceSize))))];
        float[] result = new float[columns], scratch = new float[MatrixProduct.ColumnSumScratch(slices.Length)];
        return () => MatrixProduct.SlicedColumnSum(Unit, arrays[0].Span, columns, slices, result, 0, columns, scratch);
    }

    private static Action RootOf(KernelArrays arrays, int count, double divisor = 512, double penalty = 0, bool squared = true)
    {
        Layout layout = new([("weight", new Shape(arrays.Length / 16, 16), ParameterRole.Weight)]);
        RootGradient root = new(layout, new ArenaBlocks(layout, false), new() { L1 = penalty, L2 = penalty }, Unit, new Crew(1, "bench"));
        NodeGradient[] nodes = [.. Enumerable.Range(0, count).Select(index => new NodeGradient(new SumNode(0, index), arrays[index]))];
        Arena parameters = new(layout, arrays[count]);
        return () => root.Compute(nodes, count, divisor, samples: 1, parameters, squared);
    }

    private static Action Update(OptimizerOptions options, KernelArrays arrays)
    {
        UpdateRule rule = UpdateRule.For(options);
        UpdateScalars scalars = new(1e-3, 0.9, 0.999, 1);
        if (arrays.Count > 3)
        {
            // Second moments are squares.
            Elementwise.Multiply(Unit, arrays[3].Span, arrays[3].Span, arrays[3].Span);
        }

        return () => rule.Update(Unit, scalars, new UpdateBlock
        {
            Parameters = arrays[0].Span,
            Gradient = arrays[1].Span,
            Slot0 = arrays.Count > 2 ? arrays[2].Span : default,
            Slot1 = arrays.Count > 3 ? arrays[3].Span : default,
            Decayed = true,
        });
    }
}
