using DistNet.Checkpoints;
using DistNet.Data;
using DistNet.Graphs;
using DistNet.Tensors;
using DistNet.Training;
using Microsoft.ML.OnnxRuntime;
using Xunit;

namespace DistNet.Onnx.Tests;

/// <summary>Runs exported models in ONNX Runtime and compares what they give with what they give here.</summary>
internal static class OnnxRuntime
{
    /// <summary>The largest difference: of values up to 1 itself, of larger ones as a share.</summary>
    public const double Tolerance = 1e-5;

    /// <summary>A model with PyTorch's initial weights, whose biases are not 0.</summary>
    public static TrainedModel Model(ModelDefinition definition, Shape input, NormalizationStatistics? statistics = null, ulong seed = 1)
    {
        Job job = new() { Model = definition, Loss = new() { Kind = Losses.LossKind.MeanSquaredError } };
        Graph graph = RunSetup.ModelOf(job, input, statistics);
        Arena parameters = new(graph.Layout);
        Initialization.Initialize(graph, InitializationScheme.PyTorch, seed, parameters);
        foreach (ParameterEntry entry in graph.Layout.Entries)
        {
            // What starts at one value (weights, biases and running statistics of norms) would not show an exchange.
            if (parameters[entry].IndexOfAnyExcept(parameters[entry][0]) < 0)
            {
                Uniform(entry.Length, entry.Offset).Select(value => 0.5f + Math.Abs(value)).ToArray().CopyTo(parameters[entry]);
            }
        }

        return new TrainedModel(job, new ModelInfo(input, [], statistics), parameters);
    }

    public static float[] Uniform(int count, int seed, float bound = 2)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => ((random.NextSingle() * 2) - 1) * bound)];
    }

    /// <summary>Asserts that the exported model gives the same outputs, for batches of two sizes.</summary>
    public static void AssertSameOutputs(TrainedModel model, int samples = 27, int seed = 1, float[]? inputs = null)
    {
        Shape shape = model.Info.InputShape;
        inputs ??= Uniform(samples * shape.Length, seed);
        int width = model.Graph.OutputShape.Length;
        float[] expected = model.Predict(DataSplit.All(new FloatDataset(shape, inputs, SampleLabels.Numbers(new float[samples], 1))));
        using InferenceSession session = Session(model);
        foreach (int count in (int[])[samples, 1])
        {
            float[] found = Run(session, shape, inputs.AsMemory(0, count * shape.Length));
            Assert.Equal(count * width, found.Length);
            for (int i = 0; i < found.Length; i++)
            {
                Assert.True(
                    Math.Abs(found[i] - expected[i]) <= Tolerance * Math.Max(1, Math.Abs(expected[i])),
                    $"output {i % width} of sample {i / width}: {found[i]:R} in ONNX Runtime, {expected[i]:R} here\n{model.Graph.Describe()}");
            }
        }
    }

    public static InferenceSession Session(TrainedModel model)
    {
        using MemoryStream file = new();
        OnnxExport.Write(file, model);
        using SessionOptions options = new() { IntraOpNumThreads = 1, InterOpNumThreads = 1 };
        return new InferenceSession(file.ToArray(), options);
    }

    private static float[] Run(InferenceSession session, Shape shape, Memory<float> inputs)
    {
        long[] dimensions = [inputs.Length / shape.Length, .. shape.Dimensions.Select(dimension => (long)dimension)];
        using OrtValue input = OrtValue.CreateTensorValueFromMemory(OrtMemoryInfo.DefaultInstance, inputs, dimensions);
        using RunOptions options = new();
        using IDisposableReadOnlyCollection<OrtValue> outputs = session.Run(options, [OnnxExport.InputName], [input], [OnnxExport.OutputName]);
        return outputs[0].GetTensorDataAsSpan<float>().ToArray();
    }
}
