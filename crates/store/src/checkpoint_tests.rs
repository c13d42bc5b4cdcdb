//! What is kept of checkpoints, and what is told of damaged ones.

use super::*;

fn checkpoint(step: u64) -> Checkpoint {
    Checkpoint {
        progress: serde_json::json!({ "step": step }),
        tensors: vec![step as u8; 100],
    }
}

#[test]
fn the_newest_good_one_is_loaded_and_two_are_kept() -> Result<()> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    assert!(load(folder)?.checkpoint.is_none());
    for step in 1..=3 {
        save(folder, step, &checkpoint(step))?;
    }
    assert_eq!(load(folder)?.checkpoint, Some(checkpoint(3)));
    assert!(!folder.join("checkpoint-000000001.safetensors").exists());

    fs::write(folder.join("checkpoint-000000003.safetensors"), b"torn").expect("write");
    let loaded = load(folder)?;
    assert_eq!(loaded.checkpoint, Some(checkpoint(2)));
    assert_eq!(loaded.damaged.len(), 1);

    let torn = read_file(&folder.join("checkpoint-000000003.safetensors"));
    assert!(torn.expect_err("torn").to_string().contains("digest"));
    let good = folder.join("checkpoint-000000002.safetensors");
    assert_eq!(read_file(&good)?, checkpoint(2).tensors);

    fs::remove_file(good).expect("remove");
    assert!(load(folder).is_err());
    Ok(())
}

#[test]
fn a_damaged_one_takes_no_place_among_those_kept() -> Result<()> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    save(folder, 1, &checkpoint(1))?;
    save(folder, 5, &checkpoint(5))?;
    fs::write(folder.join("checkpoint-000000005.safetensors"), b"").expect("write");
    let loaded = load(folder)?;
    assert_eq!(loaded.checkpoint, Some(checkpoint(1)));
    forget_damaged(folder, &loaded)?;
    save(folder, 2, &checkpoint(2))?;
    fs::remove_file(folder.join("checkpoint-000000002.safetensors")).expect("remove");
    assert_eq!(load(folder)?.checkpoint, Some(checkpoint(1)));
    Ok(())
}

#[test]
fn no_digit_of_the_progress_changes_unseen() -> Result<()> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let mut newest = checkpoint(2);
    newest.progress["sum"] = serde_json::json!(0.1 + 0.2);
    save(folder, 1, &checkpoint(1))?;
    save(folder, 2, &newest)?;
    assert_eq!(load(folder)?.checkpoint, Some(newest));
    let index = folder.join(INDEX);
    let list = fs::read_to_string(&index).expect("there");
    for (good, bad) in [
        ("0.30000000000000004", "0.30000000000000014"),
        ("\"step\": 2", "\"step\": 3"),
    ] {
        assert!(list.contains(good), "{list}");
        fs::write(&index, list.replacen(good, bad, 1)).expect("write");
        let loaded = load(folder)?;
        assert_eq!(loaded.checkpoint, Some(checkpoint(1)));
        let said = loaded.damaged.concat();
        assert!(said.contains("000000002") && said.contains(INDEX), "{said}");
    }
    // Lists that earlier versions wrote have no such digest.
    let lines = list
        .lines()
        .filter(|line| !line.contains("progress_sha256"));
    let list = lines
        .collect::<Vec<_>>()
        .join("\n")
        .replace("},\n  }", "}\n  }");
    fs::write(&index, list).expect("write");
    assert!(load(folder)?.damaged.is_empty());
    Ok(())
}

#[test]
fn a_list_that_names_other_files_is_refused_and_removes_none() -> Result<()> {
    let root = tempfile::tempdir().expect("a temporary folder");
    let folder = root.path().join("trial");
    fs::create_dir(&folder).expect("a folder");
    let beside = root.path().join("beside");
    fs::write(&beside, b"kept").expect("write");
    save(&folder, 1, &checkpoint(1))?;
    save(&folder, 2, &checkpoint(2))?;
    let index = folder.join(INDEX);
    let list = fs::read_to_string(&index).expect("there");
    let absolute = beside.display().to_string();
    for name in ["../beside", absolute.as_str(), "trial.json", ""] {
        let hostile = list.replace("checkpoint-000000001.safetensors", name);
        fs::write(&index, hostile).expect("write");
        let error = load(&folder).expect_err(name).to_string();
        assert!(error.contains(INDEX) && error.contains(name), "{error}");
        save(&folder, 3, &checkpoint(3))?;
        assert_eq!(fs::read(&beside).expect("there"), b"kept");
        assert_eq!(load(&folder)?.checkpoint, Some(checkpoint(3)));
    }
    Ok(())
}
