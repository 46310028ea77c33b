using DistNet.Data;
using DistNet.Graphs;
using DistNet.Kernels;
using DistNet.Modules;
using DistNet.Tensors;
using DistNet.Tests.Graphs;
using DistNet.Training;
using Xunit;

namespace DistNet.Tests.Training;

public sealed class ShardComputerTests
{
    [Theory]
    [InlineData(64, false)]
    [InlineData(1_000_000, false)]
    [InlineData(1_000_000, true)]
    [InlineData(int.MaxValue, true)]
    public void Memory_is_for_the_samples_that_can_come_however_long_a_slice_may_be(int slice, bool validates)
    {
        const int Count = 64, Features = 20;
        DataSplit all = DataSplit.All(TestBed.RandomClasses(new Shape(Features), Count, 3));
        Job job = new() { Model = ModelDefinition.Chain(new Linear(Features), new Dropout(0.5), new Linear(3)), Training = new TrainingOptions { Slice = slice } };
        RunSetup setup = RunSetup.Create(job, new LoadedData { Train = all, Validation = validates ? all : null });
        long before = GC.GetAllocatedBytesForCurrentThread();
        new ShardComputer(setup, threads: 1, VectorUnit.Widest, "test").Dispose();
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, Count * Features * sizeof(float), 20 * Count * Features * sizeof(float));
    }
}
