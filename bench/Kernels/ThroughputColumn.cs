using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace DistNet.Kernels.Bench;

/// <summary>A benchmark's mean time as 10⁹ floating-point operations or bytes a second, or as a share of the core's limit measured in the same process.</summary>
internal sealed class ThroughputColumn(bool asShare) : IColumn
{
    private static readonly Lazy<double> FmaLimit = new(() => MachineLimits.Measure(VectorUnit.Widest).FmaGflops);
    private static readonly Lazy<double> MemoryLimit = new(() => MemoryTable.CopyRate(ArraySize.Memory) / 1e9);
    private static readonly Lazy<double> CacheLimit = new(() => MemoryTable.CopyRate(ArraySize.SecondLevelCache) / 1e9);

    public string Id => "Throughput" + ColumnName;

    public string ColumnName => asShare ? "Of limit" : "GFLOP/s, GB/s";

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Custom;

    public int PriorityInCategory => asShare ? 1 : 0;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public string Legend => asShare ? "Share of the core's FMA limit, or of a stream copy of the same size, measured in the same process" : "10⁹ floating-point operations, or bytes read and written, a second";

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase)
    {
        if (summary[benchmarkCase]?.ResultStatistics is not { } statistics)
        {
            return "–";
        }

        (double work, Lazy<double> limit) = (benchmarkCase.Parameters["Size"], benchmarkCase.Parameters.Items.Select(item => item.Value).OfType<MemoryKernel>().FirstOrDefault()) switch
        {
            (ProductSize product, _) => (product.Operations, FmaLimit),
            (ArraySize size, { } kernel) => (kernel.Bytes(size), size == ArraySize.Memory ? MemoryLimit : CacheLimit),
            _ => throw new InvalidOperationException("A benchmark has neither a product's size nor a kernel with an array's."),
        };
        double rate = work / statistics.Mean;
        return asShare ? (rate / limit.Value).ToString("F2", CultureInfo.InvariantCulture) : rate.ToString("F0", CultureInfo.InvariantCulture);
    }

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);

    public bool IsAvailable(Summary summary) => true;

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;
}
