using Xunit;

namespace DistNet.Cli.Tests;

public sealed class BadDataTests
{
    private static readonly byte[] Pixels = [.. Enumerable.Range(0, 40).Select(i => (byte)(i * 5))];
    private static readonly byte[] Labels = [0, 1, 0, 1, 0, 1, 0, 1, 0, 1];

    [Theory]
    [InlineData("1,2,blue\n3,green\n", "Line 2 of ")]
    [InlineData("1,2,blue\n3,four,green\n", "Line 2 of ")]
    [InlineData("1,2,blue\n3,NaN,green\n", "Line 2 of ")]
    [InlineData("1,2,blue\n3,inf,green\n", "Line 2 of ")]
    [InlineData("", "points.csv")]
    public void A_bad_row_is_named_by_its_line(string csv, string part)
    {
        using var scratch = new Scratch();
        string job = TinyJob.Write(scratch);
        scratch.Write("points.csv", csv);

        string sentence = CliCall.Refused(3, "train", job, "--out", scratch["run"], "--set", "data.header=false");

        Assert.Contains(part, sentence, StringComparison.Ordinal);
        Assert.Contains("points.csv", sentence, StringComparison.Ordinal);
        Assert.False(Directory.Exists(scratch["run"]));
    }

    [Fact]
    public void A_label_outside_the_classes_is_named()
    {
        using var scratch = new Scratch();
        string job = TinyJob.Write(scratch);
        scratch.Write("test.csv", "x,y,colour\n1,2,blue\n1,2,purple\n");

        string sentence = CliCall.Refused(3, "train", job, "--out", scratch["run"], "--set", "data.test=test.csv");

        Assert.Contains("purple", sentence, StringComparison.Ordinal);
        Assert.Contains("Line 3 of ", sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_is_named()
    {
        using var scratch = new Scratch();

        Assert.Contains("nowhere.csv", CliCall.Refused(3, "train", TinyJob.Write(scratch), "--set", "data.train=nowhere.csv"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_in_place_of_a_file_is_called_one()
    {
        using var scratch = new Scratch();
        Directory.CreateDirectory(scratch["pictures"]);

        Assert.Equal(
            "The data file 'pictures' is a folder; expected a file (data.format: images reads folders).",
            CliCall.Refused(3, "train", TinyJob.Write(scratch), "--set", "data.train=pictures", "--out", scratch["run"]));
        Assert.False(Directory.Exists(scratch["run"]));
    }

    [Theory]
    [InlineData("[x, colour]", "data.ignore has 'colour', which is a label in the CSV file 'points.csv'; expected columns that are no labels.")]
    [InlineData("[\"2\"]", "data.ignore has '2', which is a label in the CSV file 'points.csv'; expected columns that are no labels.")]
    public void An_ignored_label_is_refused(string ignore, string sentence)
    {
        using var scratch = new Scratch();
        string job = TinyJob.Write(scratch);

        Assert.Equal(sentence, CliCall.Refused(3, "train", job, "--set", $"data.ignore={ignore}", "--out", scratch["run"]).Replace(scratch["points.csv"], "points.csv", StringComparison.Ordinal));
        Assert.False(Directory.Exists(scratch["run"]));
    }

    [Fact]
    public void Damaged_idx_and_gzip_files_are_named()
    {
        using var scratch = new Scratch();
        string job = scratch.Write("job.yaml", "data: { format: idx, train: { images: images, labels: labels } }\nmodel: [flatten, { linear: 2 }]\ntraining: { epochs: 1 }");
        byte[] images = TinyJob.Idx(Pixels, 10, 2, 2);
        byte[] labels = TinyJob.Idx(Labels, 10);
        byte[] wrongMagic = [.. images];
        wrongMagic[0] = 7;
        byte[] zipped = TinyJob.Gzip(images);

        Check("images", [], labels);
        Check("images", images[..^3], labels);
        Check("images", wrongMagic, labels);
        Check("images", zipped[..^9], labels);
        Check("labels", images, []);
        Check("labels", images, labels[..^1]);
        Check("10 samples, 9 labels", images, TinyJob.Idx(Labels[..9], 9));

        File.WriteAllBytes(scratch["images"], zipped);
        File.WriteAllBytes(scratch["labels"], labels);
        Assert.Equal(0, CliCall.Run("train", job, "--out", scratch["good"], "--quiet", "--workers", "1").Code);

        void Check(string part, byte[] imagesFile, byte[] labelsFile)
        {
            File.WriteAllBytes(scratch["images"], imagesFile);
            File.WriteAllBytes(scratch["labels"], labelsFile);
            Assert.Contains(part, CliCall.Refused(3, "train", job, "--out", scratch["run"]), StringComparison.Ordinal);
            Assert.False(Directory.Exists(scratch["run"]));
        }
    }

    [Fact]
    public void Data_smaller_than_one_batch_trains()
    {
        using var scratch = new Scratch();

        CliCall call = CliCall.Run("train", TinyJob.Write(scratch), "--out", scratch["run"], "--quiet", "--workers", "2", "--set", "training.batch=1000", "--set", "training.slice=7");

        Assert.Equal("", call.Errors);
        Assert.Equal(0, call.Code);
    }
}
