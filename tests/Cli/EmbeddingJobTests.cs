using Xunit;

namespace DistNet.Cli.Tests;

/// <summary>Jobs whose embedding looks up something else than a column of codes.</summary>
public sealed class EmbeddingJobTests
{
    private const string Model = "[{ embedding: 4, vocabulary: VOCABULARY }, { linear: 2 }]";

    [Theory]
    [InlineData("", 10, "Node 'embedding1' (embedding) looks up feature 0, which is normalised; expected data.normalize: none, or a column with categories: codes.")]
    [InlineData(", normalize: none", 9, "Node 'embedding1' (embedding) looks up feature 1, which is 9 in sample 4 of the training data; expected a whole number from 0 to 8, as the vocabulary is 9.")]
    [InlineData(", normalize: none", 10, null)]
    public void The_codes_of_an_array_are_checked_before_anything_is_written(string normalize, int vocabulary, string? sentence)
    {
        using var scratch = new Scratch();
        File.WriteAllBytes(scratch["x.npy"], TinyJob.Npy("|u1", "(20, 2)", [.. Enumerable.Range(0, 40).Select(i => (byte)(i % 10))]));
        File.WriteAllBytes(scratch["y.npy"], TinyJob.Npy("|u1", "(20,)", [.. Enumerable.Range(0, 20).Select(i => (byte)(i % 2))]));
        string data = "{ format: npy, train: { inputs: x.npy, labels: y.npy }" + normalize + " }";

        AssertTrains(scratch, data, vocabulary, sentence);
    }

    [Theory]
    [InlineData("train: train.csv", 9, "Node 'embedding1' (embedding) looks up the column 'a', which is normalised; expected data.normalize: none, or a column with categories: codes.")]
    [InlineData("train: train.csv, columns: { a: { categories: codes } }", 9, "Node 'embedding1' (embedding) looks up the column 'b', which is normalised; expected data.normalize: none, or a column with categories: codes.")]
    [InlineData("train: train.csv, normalize: none, columns: { a: { categories: codes } }", 1, "Node 'embedding1' (embedding) has a vocabulary of 1, but the column 'a' has 3 codes; expected a vocabulary of 3.")]
    [InlineData("train: train.csv, normalize: none", 4, "Node 'embedding1' (embedding) looks up the column 'b', which is 4 in sample 4 of the training data; expected a whole number from 0 to 3, as the vocabulary is 4.")]
    [InlineData("train: train.csv, normalize: none, test: half.csv", 5, "Node 'embedding1' (embedding) looks up the column 'a', which is 0.5 in sample 1 of the test data; expected a whole number from 0 to 4, as the vocabulary is 5.")]
    [InlineData("train: train.csv, columns: { a: { categories: codes }, b: { categories: codes } }", 5, null)]
    public void The_columns_of_a_table_are_checked_before_anything_is_written(string data, int vocabulary, string? sentence)
    {
        using var scratch = new Scratch();
        scratch.Write("train.csv", "a,b,y\n" + string.Concat(Enumerable.Range(0, 20).Select(i => $"{i % 3},{i % 5},{(i % 2 == 0 ? "no" : "yes")}\n")));
        scratch.Write("half.csv", "a,b,y\n1,1,no\n0.5,1,yes\n");

        AssertTrains(scratch, $"{{ {data} }}", vocabulary, sentence);
    }

    private static void AssertTrains(Scratch scratch, string data, int vocabulary, string? sentence)
    {
        string model = Model.Replace("VOCABULARY", $"{vocabulary}", StringComparison.Ordinal);
        string[] call = ["train", scratch.Write("job.yaml", $"data: {data}\nmodel: {model}\ntraining: {{ epochs: 1 }}"), "--out", scratch["run"], "--quiet", "--workers", "1"];
        if (sentence is null)
        {
            Assert.Equal(new CliCall(0, "", ""), CliCall.Run(call) with { Output = "" });
            return;
        }

        Assert.Equal(sentence, CliCall.Refused(3, call));
        Assert.False(Directory.Exists(scratch["run"]));
    }
}
