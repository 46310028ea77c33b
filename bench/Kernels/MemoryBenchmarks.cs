using BenchmarkDotNet.Attributes;

namespace DistNet.Kernels.Bench;

/// <summary>The kernels bound by memory, and the stream copy of the same size.</summary>
[Config(typeof(KernelConfig))]
public class MemoryBenchmarks
{
    private Action call = () => { };

    /// <summary>The kernel.</summary>
    [ParamsSource(nameof(Kernels))]
    public MemoryKernel Kernel { get; set; } = null!;

    /// <summary>Where the arrays lie.</summary>
    [Params(ArraySize.Memory, ArraySize.SecondLevelCache)]
    public ArraySize Size { get; set; }

    /// <summary>All of them.</summary>
    public static IEnumerable<MemoryKernel> Kernels => MemoryKernels.All;

    /// <summary>Fills the arrays.</summary>
    [GlobalSetup]
    public void Setup() => call = Kernel.Bind(new KernelArrays(Kernel, Size));

    /// <summary>The kernel.</summary>
    [Benchmark]
    public void Run() => call();
}
