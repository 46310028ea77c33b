using System.Collections.Immutable;
using DistNet.Data;
using DistNet.Graphs;
using DistNet.Kernels;
using DistNet.Losses;
using DistNet.Runs;
using DistNet.Tensors;
using DistNet.Tests.Kernels;
using DistNet.Training;
using Xunit;

namespace DistNet.Tests.Graphs;

/// <summary>What the tests of the engine share: small data sets, and a training pass from one call.</summary>
internal static class TestBed
{
    public static readonly LossOptions CrossEntropy = new();

    public static readonly LossOptions MeanSquares = new() { Kind = LossKind.MeanSquaredError };

    public static Dataset Regression(Shape shape, float[] inputs, float[] targets) =>
        new FloatDataset(shape, inputs, SampleLabels.Numbers(targets, targets.Length / (inputs.Length / shape.Length)));

    public static Dataset Classes(Shape shape, float[] inputs, int[] labels, int classes) =>
        new FloatDataset(shape, inputs, SampleLabels.Classes(labels, [.. Enumerable.Range(0, classes).Select(index => $"class {index}")]));

    /// <summary>Random samples: inputs in [−2, 2), labels of all classes.</summary>
    public static Dataset RandomClasses(Shape shape, int count, int classes, int seed = 1)
    {
        float[] inputs = Uniform(count * shape.Length, seed, 2);
        return Classes(shape, inputs, [.. Enumerable.Range(0, count).Select(index => index * 7 % classes)], classes);
    }

    public static float[] Uniform(int count, int seed, float bound)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => ((random.NextSingle() * 2) - 1) * bound)];
    }

    /// <summary>Kaiming weights, and biases that are not 0, so that no ReLU stands at its kink.</summary>
    public static Arena Parameters(Graph graph, ulong seed = 1)
    {
        Arena parameters = new(graph.Layout);
        Initialization.Initialize(graph, InitializationScheme.PyTorch, seed, parameters);
        return parameters;
    }

    public static PassInput Input(Dataset data, int first = 0, int? count = null) => new()
    {
        Data = data,
        Samples = Enumerable.Range(first, count ?? (data.Count - first)).ToArray(),
        Seed = 42,
        Step = 3,
        FirstPlace = first,
    };

    public sealed record Pass(float[] Gradient, NodeMetrics Metrics)
    {
        public void AssertSameBits(Pass other)
        {
            Assert.Equal(Metrics, other.Metrics);
            Assert.Equal(Gradient.Length, other.Gradient.Length);
            for (int index = 0; index < Gradient.Length; index++)
            {
                Assert.True(
                    BitConverter.SingleToInt32Bits(Gradient[index]) == BitConverter.SingleToInt32Bits(other.Gradient[index]),
                    $"float {index} of the gradient: {Gradient[index]:R} and {other.Gradient[index]:R}");
            }
        }
    }

    /// <summary>One training pass over all samples, folded to the root.</summary>
    public static Pass Train(Graph graph, LossOptions loss, Dataset data, Arena parameters, int sliceSize = 4, VectorUnit? unit = null, int threads = 1) =>
        Train(graph, loss, data, parameters, sliceSize, [new SliceRange(0, (data.Count + sliceSize - 1) / sliceSize)], unit, threads);

    /// <summary>Training passes over shards of slices, each by an execution of its own, folded to the root.</summary>
    public static Pass Train(
        Graph graph, LossOptions loss, Dataset data, Arena parameters, int sliceSize, IReadOnlyList<SliceRange> shards, VectorUnit? unit = null, int threads = 1, int? waveSlices = null)
    {
        int sliceCount = (data.Count + sliceSize - 1) / sliceSize;
        using ThreadTeam team = new(threads, "test");
        List<SumNode> nodes = [];
        List<float[]> gradients = [];
        List<NodeMetrics> metrics = [];
        foreach (SliceRange shard in shards)
        {
            GraphExecution execution = new(graph, loss, sliceSize, shard.Count, unit ?? VectorUnit.Widest, team, waveSlices);
            ImmutableArray<SumNode> cover = CanonicalSum.Cover(shard, sliceCount);
            float[][] own = [.. cover.Select(_ => Bits.Unwritten(graph.Layout.ArenaLength))];
            NodeMetrics[] ownMetrics = new NodeMetrics[cover.Length];
            int first = shard.First * sliceSize;
            PassInput input = Input(data, first, Math.Min(shard.End * sliceSize, data.Count) - first);
            execution.Train(input, parameters.Span, cover.AsSpan(), [.. own.Select(gradient => gradient.AsMemory())], ownMetrics);
            nodes.AddRange(cover);
            gradients.AddRange(own);
            metrics.AddRange(ownMetrics);
        }

        return new Pass(
            CanonicalSum.Fold<float[]>(nodes.ToArray(), gradients.ToArray(), sliceCount, (left, right) => [.. left.Zip(right, (a, b) => a + b)]),
            CanonicalSum.Fold(nodes.ToArray(), metrics.ToArray(), sliceCount));
    }

    public static float[] Predict(Graph graph, Dataset data, Arena parameters)
    {
        using ThreadTeam team = new(1, "test");
        GraphExecution execution = new(graph, MeanSquares, 4, (data.Count + 3) / 4, VectorUnit.Widest, team);
        float[] outputs = new float[data.Count * graph.OutputShape.Length];
        execution.Predict(Input(data), parameters.Span, outputs);
        return outputs;
    }

    public static float[] Of(this Pass pass, Graph graph, string parameter)
    {
        Assert.True(graph.Layout.TryFind(parameter, out ParameterEntry? entry));
        return pass.Gradient[entry.Offset..(entry.Offset + entry.Length)];
    }
}
