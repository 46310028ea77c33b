using System.Diagnostics;
using System.Globalization;

namespace DistNet.Kernels.Bench;

/// <summary>All kernels bound by memory in one table, in seconds: each call beside a stream copy of the same size, taken in turns.</summary>
internal static class MemoryTable
{
    private const int Samples = 9;
    private static readonly TimeSpan LeastSample = TimeSpan.FromMilliseconds(1);

    /// <summary>Writes the table, in Markdown.</summary>
    /// <param name="to">Where it goes.</param>
    /// <param name="name">Only kernels whose name contains this.</param>
    public static void Write(TextWriter to, string name = "")
    {
        to.WriteLine("| kernel | 128 MiB an array: GB/s | of the copy | 256 KiB in all: GB/s | of the copy |");
        to.WriteLine("| --- | ---: | ---: | ---: | ---: |");
        foreach (MemoryKernel kernel in MemoryKernels.All.Where(kernel => kernel.Name.Contains(name, StringComparison.OrdinalIgnoreCase)))
        {
            (double large, double largeShare) = Measure(kernel, ArraySize.Memory);
            (double small, double smallShare) = Measure(kernel, ArraySize.SecondLevelCache);
            to.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {kernel.Name} | {large:F1} | {largeShare:F2} | {small:F1} | {smallShare:F2} |"));
            to.Flush();
        }
    }

    /// <summary>The stream copy's bytes a second, the median of several samples.</summary>
    public static double CopyRate(ArraySize size)
    {
        Sampler copy = new(MemoryKernels.Copy, size);
        double[] rates = new double[Samples];
        for (int sample = 0; sample < Samples; sample++)
        {
            rates[sample] = copy.Rate();
        }

        Array.Sort(rates);
        return rates[Samples / 2];
    }

    // Medians: of the bandwidth, and of its ratio to the copy's right before it.
    private static (double GigabytesPerSecond, double Share) Measure(MemoryKernel kernel, ArraySize size)
    {
        Sampler copy = new(MemoryKernels.Copy, size), sampled = new(kernel, size);
        double[] rates = new double[Samples], shares = new double[Samples];
        for (int sample = 0; sample < Samples; sample++)
        {
            double most = copy.Rate();
            rates[sample] = sampled.Rate();
            shares[sample] = rates[sample] / most;
        }

        Array.Sort(rates);
        Array.Sort(shares);
        return (rates[Samples / 2] / 1e9, shares[Samples / 2]);
    }

    private sealed class Sampler
    {
        private readonly Action call;
        private readonly double bytes;
        private readonly int repeats = 1;

        // Finds how many calls make a sample long enough for the clock; warms up on the way.
        public Sampler(MemoryKernel kernel, ArraySize size)
        {
            call = kernel.Bind(new KernelArrays(kernel, size));
            bytes = kernel.Bytes(size);
            while (Seconds() < LeastSample.TotalSeconds)
            {
                repeats *= 2;
            }
        }

        // Bytes a second.
        public double Rate() => bytes * repeats / Seconds();

        private double Seconds()
        {
            long start = Stopwatch.GetTimestamp();
            for (int repeat = 0; repeat < repeats; repeat++)
            {
                call();
            }

            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
    }
}
