using System.Text;
using DistNet.Checkpoints;
using DistNet.Graphs;
using DistNet.Interchange;
using DistNet.Modules;
using DistNet.Tensors;
using DistNet.Training;
using Xunit;

namespace DistNet.Tests.Interchange;

public sealed class ParameterImportTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly Graph graph = Graph.Build(ModelDefinition.Chain(new Linear(3), new Relu(), new Linear(2)), new Shape(4));

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Parameters_come_by_name_whatever_their_order()
    {
        Arena start = Start([Tensor("fc2.bias", 2), Tensor("fc1.bias", 3), Tensor("fc2.weight", 2, 3), Tensor("fc1.weight", 3, 4)]);
        foreach (ParameterEntry entry in graph.Layout.Entries)
        {
            Assert.Equal(Tensor(entry.Name, [.. entry.Shape.Dimensions]).Values.ToArray(), start[entry].ToArray());
        }
    }

    [Fact]
    public void What_is_skipped_starts_at_random_and_may_be_missing_left_over_or_of_another_shape()
    {
        NamedTensor[] tensors = [Tensor("fc1.weight", 3, 4), Tensor("fc1.bias", 3), Tensor("fc2.weight", 9, 3), Tensor("head.scale", 1)];
        Arena start = Start(tensors, "fc2.*", "head*");
        Arena random = new(graph.Layout);
        Initialization.Initialize(graph, InitializationScheme.Kaiming, 7, random);
        Assert.Equal(tensors[0].Values.ToArray(), start[graph.Layout.Entries[0]].ToArray());
        Assert.Equal(random[graph.Layout.Entries[2]].ToArray(), start[graph.Layout.Entries[2]].ToArray());
        Assert.NotEqual(random[graph.Layout.Entries[0]].ToArray(), start[graph.Layout.Entries[0]].ToArray());
    }

    [Fact]
    public void What_does_not_fit_is_told_in_one_sentence()
    {
        NamedTensor[] whole = [Tensor("fc1.weight", 3, 4), Tensor("fc1.bias", 3), Tensor("fc2.weight", 2, 3), Tensor("fc2.bias", 2)];
        string Refused(NamedTensor[] tensors, params string[] skip) => Assert.Throws<DistNetException>(() => Start(tensors, skip)).Message.Replace(folder.Path, "F", StringComparison.Ordinal);
        const string End = "; expected the model's names and shapes, but for those in training.initializeFrom.skip.";
        Assert.Equal("The file 'F/w' does not fit the model: it lacks fc2.weight and fc2.bias" + End, Refused(whole[..2]));
        Assert.Equal(
            "The file 'F/w' does not fit the model: it lacks fc1.weight; it has 0.weight, which the model lacks; fc1.bias is [1] there and [3] in the model" + End,
            Refused([Tensor("0.weight", 3, 4), Tensor("fc1.bias", 1), .. whole[2..]]));
        Assert.Equal("The file 'F/w' does not fit the model: it has a, b, c, d and 2 more, which the model lacks" + End, Refused([.. whole, .. "abcdef".Select(name => Tensor($"{name}", 1))]));
        Assert.Equal("The file 'F/w' does not fit the model: fc2.weight is [3, 2] there and [2, 3] in the model" + End, Refused([.. whole[..2], Tensor("fc2.weight", 3, 2), whole[3]]));
        Assert.Equal("training.initializeFrom.skip has 'fc3.weight', which is no name in the model or in 'F/w'; did you mean 'fc1.weight'?", Refused(whole, "fc3.weight"));
        Assert.Equal("training.initializeFrom.skip has 'head.*', which is no name in the model or in 'F/w'.", Refused(whole, "head.*"));
        foreach ((float value, string text) in new[] { (float.NaN, "NaN"), (float.NegativeInfinity, "-Infinity") })
        {
            Assert.Equal($"The file 'F/w' has {text} as value 1 of fc1.bias; expected finite numbers.", Refused([whole[0], whole[1] with { Values = new[] { 0, value, 1 } }, .. whole[2..]]));
        }
    }

    [Fact]
    public void A_type_that_holds_no_weights_is_refused_and_a_missing_file_and_another_one()
    {
        byte[] header = Encoding.UTF8.GetBytes("""{"fc1.weight":{"dtype":"I32","shape":[3,4],"data_offsets":[0,48]}}""");
        string path = folder.Write("i", [.. BitConverter.GetBytes((long)header.Length), .. header, .. new byte[48]]);
        Assert.Contains("is of type I32; expected F32", Assert.Throws<DistNetException>(() => Start(path, null, "fc1.bias", "fc2.*")).Message);
        Assert.Contains("of training.initializeFrom cannot be read", Assert.Throws<DistNetException>(() => Start(path + "2", null)).Message);
        Assert.EndsWith("expected abc by training.initializeFrom.", Assert.Throws<DistNetException>(() => Start(path, "abc")).Message);
    }

    private Arena Start(NamedTensor[] tensors, params string[] skip)
    {
        using MemoryStream stream = new();
        SafetensorsFile.Write(stream, [.. tensors]);
        return Start(folder.Write("w", stream.ToArray()), null, skip);
    }

    private Arena Start(string path, string? sha256, params string[] skip)
    {
        Job job = new() { Model = graph.Definition, Training = new() { Seed = 7, InitializeFrom = new(path) { Sha256 = sha256, Skipped = [.. skip] } } };
        Arena parameters = new(graph.Layout);
        InitialParameters.Write(job, graph, parameters);
        return parameters;
    }

    // Other values for every name and place.
    private static NamedTensor Tensor(string name, params ReadOnlySpan<int> dimensions)
    {
        Shape shape = new(dimensions);
        return new(name, shape, Enumerable.Range(0, shape.Length).Select(i => (name.Sum(symbol => symbol) * 100f) + i).ToArray());
    }
}
