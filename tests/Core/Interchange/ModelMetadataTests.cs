using DistNet.Checkpoints;
using DistNet.Data;
using DistNet.Interchange;
using DistNet.Tensors;
using Xunit;

namespace DistNet.Tests.Interchange;

public sealed class ModelMetadataTests
{
    [Fact]
    public void Columns_tell_how_a_table_was_filled_and_encoded()
    {
        ModelInfo info = new(new Shape(4), ["a", "é \"b\""], null)
        {
            FeatureNames = ["age", "colour_red", "colour_blue", "town"],
            Columns =
            [
                new("age", new ColumnRule { Missing = ColumnRule.Mean }) { Fill = 0.1f },
                new("colour", new ColumnRule { Categories = CategoryEncoding.OneHot }) { Categories = ["red", "blue"] },
                new("town", new ColumnRule { Categories = CategoryEncoding.Codes, Missing = ColumnRule.MostFrequent, Unknown = UnknownCategory.Own }) { Categories = ["Ulm"], FillCategory = "Ulm" },
            ],
        };
        IReadOnlyDictionary<string, string> metadata = ModelMetadata.Of(info);
        Assert.Equal("[4]", metadata["input_shape"]);
        Assert.Equal("""["a","é \"b\""]""", metadata["class_names"]);
        Assert.Equal("""["age","colour_red","colour_blue","town"]""", metadata["feature_names"]);
        Assert.Equal(
            """[{"name":"age","encoding":"number","fill":0.1},{"name":"colour","encoding":"one-hot","categories":["red","blue"],"unknown":"refuse"},{"name":"town","encoding":"codes","fill":"Ulm","categories":["Ulm"],"unknown":"own"}]""",
            metadata["columns"]);
        Assert.DoesNotContain("columns", ModelMetadata.Of(info with { Columns = [] }).Keys);
    }
}
