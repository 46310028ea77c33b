using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace DistNet.Kernels.Bench;

/// <summary>The configuration of all kernel benchmarks: in this process, so that the limit is measured under the same conditions.</summary>
internal sealed class KernelConfig : ManualConfig
{
    public KernelConfig()
    {
        AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance));
        AddColumn(new ThroughputColumn(asShare: false), new ThroughputColumn(asShare: true));
    }
}

/// <summary>Forward products and input gradients of the mlp workload: one chain of multiply-adds per output.</summary>
[Config(typeof(KernelConfig))]
public class MultiplyBenchmarks
{
    private readonly VectorUnit unit = VectorUnit.Widest;
    private float[] left = [];
    private float[] right = [];
    private float[] bias = [];
    private float[] result = [];
    private float[] scratch = [];

    /// <summary>The product.</summary>
    [ParamsSource(nameof(Sizes))]
    public ProductSize Size { get; set; } = null!;

    /// <summary>Batch 512, the first layer at the smaller and larger batches, and a square.</summary>
    public static IEnumerable<ProductSize> Sizes =>
    [
        new("fc1", 512, 784, 512), new("fc2", 512, 512, 512), new("fc3", 512, 512, 10), new("fc3 input gradient", 512, 10, 512),
        new("fc1", 32, 784, 512), new("fc1", 128, 784, 512), new("fc1", 2048, 784, 512), new("square", 1024, 1024, 1024),
    ];

    /// <summary>Fills the operands.</summary>
    [GlobalSetup]
    public void Setup()
    {
        left = Values.Of(Size.Rows * Size.Inner);
        right = Values.Of(Size.Inner * Size.Columns);
        bias = Values.Of(Size.Columns);
        result = new float[Size.Rows * Size.Columns];
        scratch = new float[Math.Max(MatrixProduct.MultiplyScratch(Size.Rows, Size.Inner), MatrixProduct.TransposedScratch(Size.Rows, Size.Inner))];
    }

    /// <summary>Forward: the right operand is [columns, inner], as weights are.</summary>
    [Benchmark]
    public void MultiplyTransposed() => MatrixProduct.MultiplyTransposed(unit, left, Size.Rows, Size.Inner, right, Size.Columns, bias, result, scratch);

    /// <summary>Input gradient.</summary>
    [Benchmark]
    public void Multiply() => MatrixProduct.Multiply(unit, left, Size.Rows, Size.Inner, right, Size.Columns, result, scratch);
}

/// <summary>Weight gradients of the mlp workload: slices of 32 samples, each a chain, combined by the canonical tree.</summary>
[Config(typeof(KernelConfig))]
public class SlicedProductBenchmarks
{
    private const int SliceSize = 32;
    private readonly VectorUnit unit = VectorUnit.Widest;
    private float[] left = [];
    private float[] right = [];
    private SliceRows[] slices = [];
    private float[] result = [];
    private float[] scratch = [];

    /// <summary>The product; its inner dimension is the batch.</summary>
    [ParamsSource(nameof(Sizes))]
    public ProductSize Size { get; set; } = null!;

    /// <summary>Batch 512, and the first layer at the smaller and larger batches.</summary>
    public static IEnumerable<ProductSize> Sizes =>
    [
        new("fc1", 512, 512, 784), new("fc2", 512, 512, 512), new("fc3", 10, 512, 512),
        new("fc1", 512, 32, 784), new("fc1", 512, 128, 784), new("fc1", 512, 2048, 784), new("square", 1024, 1024, 1024),
    ];

    /// <summary>Fills the operands.</summary>
    [GlobalSetup]
    public void Setup()
    {
        left = Values.Of(Size.Inner * Size.Rows);
        right = Values.Of(Size.Inner * Size.Columns);
        slices = [.. Enumerable.Range(0, Size.Inner / SliceSize).Select(slice => new SliceRows(slice * SliceSize, SliceSize))];
        result = new float[Size.Rows * Size.Columns];
        scratch = new float[MatrixProduct.SlicedScratch(Size.Inner, Size.Rows, slices.Length)];
    }

    /// <summary>The kernel.</summary>
    [Benchmark]
    public void SlicedProduct() => MatrixProduct.SlicedProduct(unit, left, Size.Rows, right, Size.Columns, slices, result, 0, Size.Rows, scratch);
}

/// <summary>Operands like a network's: around zero, no two alike.</summary>
internal static class Values
{
    public static float[] Of(int count) => [.. Enumerable.Range(0, count).Select(index => (((index * 7919L) % 2003) - 1001) / 1001f)];
}
