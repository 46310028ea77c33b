using DistNet.Data;
using DistNet.Graphs;
using DistNet.Modules;
using DistNet.Tests.Graphs;
using DistNet.Training;
using DistNet.Tensors;
using Xunit;

namespace DistNet.Tests.Training;

public sealed class EmbeddingFitTests
{
    private static readonly FeatureColumn Street = new("street", new ColumnRule { Categories = CategoryEncoding.Codes, Unknown = UnknownCategory.Own }) { Categories = ["a", "b", "c"] };

    [Theory]
    [InlineData(4, true)]
    [InlineData(3, false)]
    public void A_vocabulary_too_small_for_the_codes_of_its_column_is_named_before_the_first_step(int vocabulary, bool fits)
    {
        DistNetException? failure = (DistNetException?)Record.Exception(() => Setup(Street, vocabulary));
        Assert.Equal(fits ? null : "Node 'vector' (embedding) has a vocabulary of 3, but the column 'street' has 4 codes; expected a vocabulary of 4.", failure?.Message);
    }

    [Fact]
    public void A_column_of_numbers_is_looked_up_as_it_is() => Setup(new FeatureColumn("street", new ColumnRule()), 1);

    [Fact]
    public void One_sample_is_held_at_a_time_however_large_it_is()
    {
        const int Features = 2000, Count = 256;
        LoadedData data = new() { Train = DataSplit.All(TestBed.Classes(new Shape(Features), new float[Count * Features], new int[Count], 2)) };
        ModelDefinition model = ModelDefinition.Chain(new Columns(0), new Embedding(2, 1), new Linear(2));
        long before = GC.GetAllocatedBytesForCurrentThread();
        RunSetup.Create(new Job { Model = model }, data);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, Count * Features);
    }

    private static RunSetup Setup(FeatureColumn street, int vocabulary)
    {
        ModelDefinition model = new(
            [
                new("codes", new Columns(1), ["input"]), new("vector", new Embedding(2, vocabulary), ["codes"]), new("rest", new Columns(0), ["input"]),
                new("all", new Concat(), ["rest", "vector"]), new("fc", new Linear(2), ["all"]),
            ],
            "fc");
        LoadedData data = new()
        {
            Train = DataSplit.All(TestBed.Classes(new Shape(2), [1, 0, 2, 0], [0, 1], 2)),
            Columns = [new FeatureColumn("size", new ColumnRule()), street],
        };
        return RunSetup.Create(new Job { Model = model, Data = new DataOptions { Train = new DataFiles("a.csv") } }, data);
    }
}
