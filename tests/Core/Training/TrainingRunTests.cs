using DistNet.Data;
using DistNet.Graphs;
using DistNet.Kernels;
using DistNet.Losses;
using DistNet.Modules;
using DistNet.Optimizers;
using DistNet.Runs;
using DistNet.Tensors;
using DistNet.Tests.Graphs;
using DistNet.Training;
using Xunit;

namespace DistNet.Tests.Training;

/// <summary>Whose place the average of the weights takes, and when.</summary>
public sealed class TrainingRunTests
{
    private const double Decay = 0.15;

    private static readonly Dataset Samples = TestBed.Regression(new Shape(2), TestBed.Uniform(16, 1, 1), TestBed.Uniform(8, 2, 1));

    private static readonly Job Job = new()
    {
        Model = ModelDefinition.Chain(new Linear(1)),
        Loss = new LossOptions { Kind = LossKind.MeanSquaredError },
        Optimizer = new OptimizerOptions { Kind = OptimizerKind.Sgd, LearningRate = 0.1, EmaDecay = Decay },
        Training = new TrainingOptions { Batch = 4, Slice = 4, Epochs = 2, NonFinite = NonFinitePolicy.Skip },
    };

    // Eight samples in batches of four: two steps an epoch.
    [Fact]
    public void The_average_is_what_is_validated_and_the_weights_are_what_is_trained()
    {
        using Bed bed = new(hasValidation: true);
        bed.Step(0, 1);
        Assert.Equal(bed.Weights, bed.Shown);

        ParameterHandle trained = bed.Run.Parameters;
        bed.Step(1, 2);
        Assert.NotEqual(bed.Weights, bed.Average);
        Assert.Equal(bed.Average, bed.Shown);
        Assert.False(trained.IsCurrent);

        ParameterHandle validated = bed.Run.Parameters;
        bed.Validate();
        Assert.Equal(bed.Weights, bed.Shown);
        Assert.Equal(bed.Average, bed.Run.Snapshot().Slots["average"].Span.ToArray());
        Assert.Equal(bed.Average, bed.Run.Snapshot().ModelParameters().Span.ToArray());
        Assert.False(validated.IsCurrent);
        Assert.True(bed.Run.Parameters.IsCurrent);

        bed.Step(2, 3);
        bed.Step(3, 4);
        bed.Validate();
        bed.Run.EndTraining();
        Assert.Equal(bed.Average, bed.Shown);
        Assert.Equal(bed.Average, bed.Run.Snapshot().Slots["average"].Span.ToArray());
    }

    [Fact]
    public void A_skipped_step_leaves_the_average_and_it_is_validated_behind_the_last_one_too()
    {
        using Bed bed = new(hasValidation: true);
        bed.Step(0, 1);
        bed.Step(1, 2);
        bed.Validate();
        bed.Skip(2);
        Assert.Equal(bed.Weights, bed.Shown);
        bed.Skip(3);
        Assert.Equal(bed.Average, bed.Shown);
        bed.Validate();
        Assert.Equal(bed.Weights, bed.Shown);
    }

    [Fact]
    public void Before_the_first_update_the_weights_themselves_are_validated()
    {
        using Bed bed = new(hasValidation: true);
        float[] initial = bed.Shown;
        Assert.Contains(initial, value => value != 0);
        bed.Skip(0);
        bed.Skip(1);
        bed.Validate();
        bed.Run.EndTraining();
        Assert.Equal(initial, bed.Shown);
        Assert.Equal(initial, bed.Run.Snapshot().ModelParameters().Span.ToArray());
    }

    [Fact]
    public void Without_validation_the_average_comes_at_the_end_alone()
    {
        using Bed bed = new(hasValidation: false);
        bed.Step(0, 1);
        bed.Step(1, 2);
        Assert.Equal(bed.Weights, bed.Shown);
        bed.Run.EndTraining();
        Assert.Equal(bed.Average, bed.Shown);
    }

    [Fact]
    public void What_is_frozen_has_no_average_and_stays_in_its_place()
    {
        using Bed bed = new(hasValidation: true, Job with { Model = ModelDefinition.Chain(new Linear(3), new Linear(1)).Freeze("fc1") });
        float[] frozen = bed.Shown[..6];
        bed.Step(0, 1);
        bed.Step(1, 2);
        Assert.Equal(frozen, bed.Shown[..6]);
        Assert.Equal(bed.Average, bed.Shown);
        Assert.All(bed.Run.Snapshot().Slots["average"].Span[..6].ToArray(), value => Assert.Equal(0, value));
        bed.Validate();
        Assert.Equal(bed.Weights, bed.Shown);
        Assert.Equal(bed.Average, bed.Run.Snapshot().ModelParameters().Span.ToArray());
        bed.Run.EndTraining();
        Assert.Equal(bed.Average, bed.Shown);
    }

    [Fact]
    public void A_run_that_ends_within_a_validation_is_left_with_its_weights()
    {
        using Bed bed = new(hasValidation: true);
        bed.Step(0, 1);
        bed.Step(1, 2);
        Assert.Equal(bed.Average, bed.Shown);
        bed.Run.Finish(new RunOutcome(RunOutcomeKind.Interrupted, "Stopped."));
        Assert.Equal(bed.Weights, bed.Shown);
    }

    /// <summary>A run, and beside it weights and average by a plain update and the formula.</summary>
    private sealed class Bed : IDisposable
    {
        private readonly Crew crew = new(1, "test");
        private readonly ParameterUpdate plain;
        private readonly Layout layout;
        private readonly GradientPool pool;
        private readonly float[] average;

        public Bed(bool hasValidation, Job? job = null)
        {
            DataSplit all = DataSplit.All(Samples);
            RunSetup setup = RunSetup.Create(job ?? Job, new LoadedData { Train = all, Validation = hasValidation ? all : null });
            Run = new TrainingRun(setup, null, null, RunId.Create(), 1, 1, VectorUnit.Widest, TimeProvider.System);
            plain = new ParameterUpdate(setup.Graph.Layout, Job.Optimizer with { EmaDecay = null }, Job.Regularization, VectorUnit.Widest, crew);
            Run.Parameters.Values.Span.CopyTo(plain.Parameters.Span);
            layout = setup.Graph.Layout;
            pool = new GradientPool(setup.Graph.Layout.ArenaLength);
            average = new float[setup.Graph.Layout.ArenaLength];
        }

        public TrainingRun Run { get; }

        public float[] Shown => Run.Parameters.Values.ToArray();

        public float[] Weights => plain.Parameters.Span.ToArray();

        public float[] Average => [.. average];

        public void Step(long step, float gradient)
        {
            double t = Run.State.Updates;
            plain.Apply([new(new SumNode(0, 0), Gradient(gradient).Values)], 1, 4, 4, Job.Optimizer.LearningRate, Run.State);
            Assert.True(Run.CompleteStep(step, [Node(Gradient(gradient))]).Finite);
            float share = t == 0 ? 1 : (float)(1 - Math.Min(Decay, (1 + t) / (10 + t)));
            for (int i = 0; i < average.Length; i++)
            {
                average[i] = float.FusedMultiplyAdd(share, plain.Parameters.Span[i] - average[i], average[i]);
            }
        }

        public void Skip(long step)
        {
            float[] before = Shown;
            Assert.False(Run.CompleteStep(step, [Node(Gradient(float.NaN))]).Finite);
            Assert.Equal(before, Shown);
            Run.SkipStep(step, "a NaN");
        }

        public void Validate() => Run.CompleteValidation([Node(null), Node(null) with { Node = new SumNode(0, 1) }]);

        public void Dispose()
        {
            Run.Dispose();
            crew.Dispose();
        }

        private static ShardNode Node(GradientLease? gradient) => new(new SumNode(0, 0), new NodeMetrics(1, 4, 4, 0), gradient);

        private GradientLease Gradient(float value)
        {
            GradientLease lease = pool.Lease();
            lease.Values.Span.Clear();
            foreach (ParameterEntry entry in layout.Entries)
            {
                lease.Values.Span.Slice(entry.Offset, entry.Length).Fill(value);
            }

            return lease;
        }
    }
}
