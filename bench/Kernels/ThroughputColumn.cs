using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace DistNet.Kernels.Bench;

/// <summary>A benchmark's mean time as 10⁹ floating-point operations a second, or as a share of the core's limit measured in the same process.</summary>
internal sealed class ThroughputColumn(bool asShare) : IColumn
{
    private static readonly Lazy<double> Limit = new(() => MachineLimits.Measure(VectorUnit.Widest).FmaGflops);

    public string Id => "Throughput" + ColumnName;

    public string ColumnName => asShare ? "Of limit" : "GFLOP/s";

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Custom;

    public int PriorityInCategory => asShare ? 1 : 0;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public string Legend => asShare ? "Share of the core's FMA limit, measured in the same process" : "10⁹ floating-point operations a second";

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase)
    {
        if (summary[benchmarkCase]?.ResultStatistics is not { } statistics || benchmarkCase.Parameters["Size"] is not ProductSize size)
        {
            return "–";
        }

        double gflops = size.Operations / statistics.Mean;
        return asShare ? (gflops / Limit.Value).ToString("F2", CultureInfo.InvariantCulture) : gflops.ToString("F0", CultureInfo.InvariantCulture);
    }

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);

    public bool IsAvailable(Summary summary) => true;

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;
}
