using DistNet.Checkpoints;
using DistNet.Data;
using DistNet.Graphs;
using DistNet.Modules;
using DistNet.Tensors;
using DistNet.Tests.Graphs;
using DistNet.Training;
using Xunit;

namespace DistNet.Tests.Training;

public sealed class TrainedModelTests
{
    private static readonly Shape Input = new(3);

    // Several passes, the last of them short and with a short slice.
    private const int Samples = (20 * ShardComputer.PassRows) + 7;

    [Fact]
    public void What_is_measured_is_what_is_predicted_and_the_outputs_of_one_pass_are_kept_at_a_time()
    {
        const int Classes = 40;
        using TrainedModel model = Model(Classes);
        Dataset data = TestBed.RandomClasses(Input, Samples, Classes);
        int[] order = [.. Enumerable.Range(0, Samples).Reverse()];
        DataSplit split = new(data, order);
        model.Evaluate(split);

        long before = GC.GetAllocatedBytesForCurrentThread();
        Evaluation evaluation = model.Evaluate(split);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, sizeof(float) * Classes * Samples / 4);

        float[] outputs = model.Predict(split);
        int[,] expected = new int[Classes, Classes];
        for (int i = 0; i < Samples; i++)
        {
            expected[data.Labels[order[i]], TrainedModel.ClassOf(outputs.AsSpan(i * Classes, Classes))]++;
        }

        Assert.Equal(expected, evaluation.Confusion);
        Assert.Equal(Enumerable.Range(0, Classes).Sum(index => expected[index, index]) / (double)Samples, evaluation.Accuracy);
        Assert.Equal(Samples, evaluation.Samples);
    }

    [Fact]
    public void Any_number_of_threads_measures_and_predicts_the_same_bits()
    {
        Dataset data = TestBed.RandomClasses(Input, Samples, 10);
        using TrainedModel alone = Model(10);
        Evaluation expected = alone.Evaluate(DataSplit.All(data));
        float[] outputs = alone.Predict(DataSplit.All(data));
        foreach (int threads in (int[])[2, 3, 4])
        {
            using TrainedModel model = Model(10, threads);
            Evaluation evaluation = model.Evaluate(DataSplit.All(data));
            Assert.Equal((expected.Loss, expected.Accuracy), (evaluation.Loss, evaluation.Accuracy));
            Assert.Equal(expected.Confusion, evaluation.Confusion);
            Assert.Equal(outputs, model.Predict(DataSplit.All(data)));
        }
    }

    [Fact]
    public void Pairs_of_very_many_classes_are_not_counted()
    {
        const int Classes = Evaluation.MaximumConfusionClasses + 1;
        using TrainedModel model = Model(Classes);
        Evaluation evaluation = model.Evaluate(DataSplit.All(TestBed.RandomClasses(Input, 5, Classes)));
        Assert.Null(evaluation.Confusion);
        Assert.InRange(evaluation.Accuracy, 0, 1);
    }

    [Fact]
    public void More_predictions_than_an_array_holds_are_refused_at_once_but_given_in_parts()
    {
        const int Outputs = 4096;
        using TrainedModel model = Model(Outputs);
        DataSplit split = new(TestBed.RandomClasses(Input, 5, Outputs), new int[(int.MaxValue / Outputs) + 1]);
        DistNetException error = Assert.Throws<DistNetException>(() => model.Predict(split));
        Assert.Equal("The predictions are 2,147,483,648 numbers; expected at most 2,147,483,591 at once.", error.Message);
        ReadOnlyMemory<float> first = model.PredictInParts(split).First();
        Assert.Equal(model.Predict(split with { Samples = split.Samples[..(first.Length / Outputs)] }), first.ToArray());
    }

    private static TrainedModel Model(int classes, int threads = 1)
    {
        Job job = new() { Model = ModelDefinition.Chain(new Linear(classes)), Training = new TrainingOptions { Slice = 8 } };
        Graph graph = Graph.Build(job.Model, Input);
        return new TrainedModel(job, new ModelInfo(Input, [.. Enumerable.Range(0, classes).Select(index => $"class {index}")], null), TestBed.Parameters(graph), threads: threads);
    }
}
